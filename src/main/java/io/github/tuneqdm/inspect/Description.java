package io.github.tuneqdm.inspect;

import io.github.tuneqdm.error.Printable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What was found, as aligned lines for a terminal. */
public final class Description {
  private static final int LABEL_WIDTH = 16;

  private final List<String> lines = new ArrayList<>();

  Description title(String text) {
    lines.add(Printable.of(text));
    return this;
  }

  Description add(String label, Object value) {
    lines.add(
        ("  %-" + LABEL_WIDTH + "s %s")
            .formatted(Printable.of(label), Printable.of(String.valueOf(value))));
    return this;
  }

  public List<String> lines() {
    return List.copyOf(lines);
  }

  /** {@code 1.72 GB}; decimal units, as disks are sold. */
  static String bytes(long bytes) {
    String[] units = {"bytes", "kB", "MB", "GB", "TB"};
    double value = bytes;
    int unit = 0;
    while (value >= 1000 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    return unit == 0 ? bytes + " bytes" : String.format(Locale.ROOT, "%.2f %s", value, units[unit]);
  }

  /** {@code 859,520,964}. */
  static String count(long n) {
    return String.format(Locale.ROOT, "%,d", n);
  }
}
