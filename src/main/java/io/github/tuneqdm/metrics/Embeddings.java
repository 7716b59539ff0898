package io.github.tuneqdm.metrics;

import io.github.tuneqdm.error.TuneQdmException;

/** Checks and small algebra shared by the metrics. N rows of D features each. */
final class Embeddings {
  private Embeddings() {}

  /**
   * Refuses sets that no score can be taken of.
   *
   * @param rows (N, D)
   * @param what the rows in the plural, for the message: "generated images"
   * @return D
   */
  static int requireUsable(float[][] rows, String what) {
    if (rows.length == 0) {
      throw TuneQdmException.inputData("Cannot score: there are no " + what);
    }
    int width = rows[0].length;
    for (int n = 0; n < rows.length; n++) {
      if (rows[n].length != width || width == 0) {
        throw new IllegalArgumentException(
            "Cannot score: row %d of the %s has %d features, row 0 has %d"
                .formatted(n, what, rows[n].length, width));
      }
      for (float value : rows[n]) {
        if (!Float.isFinite(value)) {
          throw TuneQdmException.inputData(
              "Cannot score: number %d of the %s has an embedding that holds %s (are the picture and the encoder's weights intact?)"
                  .formatted(n, what, value));
        }
      }
    }
    return width;
  }

  static void requireSameWidth(int left, int right) {
    if (left != right) {
      throw new IllegalArgumentException(
          "Cannot compare embeddings of %d and %d features".formatted(left, right));
    }
  }

  /** Rows of length one, in double: (N, D). A row of zeros has no direction and is refused. */
  static double[][] normalised(float[][] rows, String what) {
    double[][] unit = new double[rows.length][];
    for (int n = 0; n < rows.length; n++) {
      double length = Math.sqrt(dot(rows[n], rows[n]));
      if (length == 0) {
        throw TuneQdmException.inputData(
            "Cannot score: number %d of the %s has an embedding of zeros (are the encoder's weights intact?)"
                .formatted(n, what));
      }
      unit[n] = new double[rows[n].length];
      for (int d = 0; d < unit[n].length; d++) {
        unit[n][d] = rows[n][d] / length;
      }
    }
    return unit;
  }

  static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int d = 0; d < a.length; d++) {
      sum += (double) a[d] * b[d];
    }
    return sum;
  }

  static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int d = 0; d < a.length; d++) {
      sum += a[d] * b[d];
    }
    return sum;
  }
}
