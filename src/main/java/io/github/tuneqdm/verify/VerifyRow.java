package io.github.tuneqdm.verify;

import java.util.Locale;

/**
 * The verdict on one file of goldens.
 *
 * @param maxAbs largest absolute difference of any tensor
 * @param relative largest ||a - b|| / ||b|| of any tensor
 * @param detail what was compared, or what is wrong
 */
public record VerifyRow(
    String file, boolean passed, double maxAbs, double relative, String detail) {

  static VerifyRow failed(String file, String why) {
    return new VerifyRow(file, false, Double.NaN, Double.NaN, why);
  }

  /** One line for a terminal. */
  public String render() {
    return String.format(
        Locale.ROOT,
        "%-4s  %-42s  max-abs %s  relative %s  %s",
        passed ? "ok" : "FAIL",
        file,
        figure(maxAbs),
        figure(relative),
        detail);
  }

  private static String figure(double value) {
    return Double.isNaN(value) ? "      - " : String.format(Locale.ROOT, "%8.1e", value);
  }
}
