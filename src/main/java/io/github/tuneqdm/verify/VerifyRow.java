package io.github.tuneqdm.verify;

/**
 * The verdict on one file of goldens.
 *
 * @param file its path inside the folder, with slashes
 * @param maxAbs largest absolute difference of any tensor; NaN where there is nothing to measure
 * @param relative largest ||a - b|| / ||b|| of any tensor that is compared that way; NaN likewise
 * @param detail what was compared, or what is wrong
 */
public record VerifyRow(
    String file, boolean passed, double maxAbs, double relative, String detail) {

  static VerifyRow passed(String file, String detail) {
    return new VerifyRow(file, true, Double.NaN, Double.NaN, detail);
  }

  static VerifyRow failed(String file, String why) {
    return new VerifyRow(file, false, Double.NaN, Double.NaN, why);
  }
}
