package io.github.tuneqdm.spark.doctor;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.Serializable;

/**
 * What a probe found.
 *
 * @param check what was looked at, in a word or two
 * @param found what is there
 * @param remedy how to mend it; empty where nothing is to be mended
 */
public record Finding(String check, Level level, String found, String remedy)
    implements Serializable {

  /** How bad it is. */
  public enum Level {
    OK,
    /** Jobs run, but not as well as they could. */
    WARN,
    /** Jobs cannot run like this. */
    FAIL
  }

  public static Finding ok(String check, String found) {
    return new Finding(check, Level.OK, found, "");
  }

  public static Finding warn(String check, String found, String remedy) {
    return new Finding(check, Level.WARN, found, remedy);
  }

  public static Finding fail(String check, String found, String remedy) {
    return new Finding(check, Level.FAIL, found, remedy);
  }

  /** A failure whose message says how to mend it, as ours do; of others, what they are. */
  public static Finding fail(String check, Exception failure) {
    String message =
        failure instanceof TuneQdmException ? failure.getMessage() : failure.toString();
    return fail(check, message.lines().findFirst().orElse(""), "");
  }
}
