package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import java.util.regex.Pattern;

/** What a subject may be called: its name becomes a folder of the run, on any file system. */
final class SubjectName {
  private static final Pattern ALLOWED = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,99}");

  /** Devices to Windows, and to what serves its file shares, with any extension. */
  private static final Pattern DEVICE =
      Pattern.compile("(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\\..*)?");

  private SubjectName() {}

  static boolean isAllowed(String name) {
    return ALLOWED.matcher(name).matches()
        && !name.contains("..")
        && !name.endsWith(".")
        && !DEVICE.matcher(name).matches();
  }

  /** Returns the name, or refuses it as a usage error that says where it stands. */
  static String require(String name, String where) {
    if (!isAllowed(name)) {
      throw TuneQdmException.usage(
          "Cannot use \""
              + name
              + "\" ("
              + where
              + ") as a subject's name: it must start with a letter or digit and go on with at most"
              + " 99 letters, digits, '.', '_' or '-', without \"..\" or a dot at its end, and be no"
              + " device such as con or nul");
    }
    return name;
  }
}
