package io.github.tuneqdm.metrics;

import java.util.Arrays;

/**
 * The mean and covariance of a set of features: all that {@link FrechetDistance} needs to know of
 * it, and the form in which reference statistics are published.
 *
 * @param mean (D)
 * @param covariance (D, D), symmetric, normalised by N - 1
 */
public record FeatureGaussian(double[] mean, double[][] covariance) {
  public FeatureGaussian {
    for (double[] row : covariance) {
      if (row.length != mean.length) {
        throw new IllegalArgumentException(
            "Covariance has rows of %d, the mean has %d features"
                .formatted(row.length, mean.length));
      }
    }
    if (covariance.length != mean.length) {
      throw new IllegalArgumentException(
          "Covariance has %d rows, the mean has %d features"
              .formatted(covariance.length, mean.length));
    }
  }

  /**
   * @param features (N, D), N at least 2
   */
  public static FeatureGaussian of(float[][] features) {
    int width = Embeddings.requireUsable(features, "images");
    if (features.length < 2) {
      throw new IllegalArgumentException("A covariance needs at least two rows");
    }
    double[] mean = new double[width];
    for (float[] row : features) {
      for (int d = 0; d < width; d++) {
        mean[d] += row[d];
      }
    }
    for (int d = 0; d < width; d++) {
      mean[d] /= features.length;
    }

    double[][] covariance = new double[width][width];
    double[] centred = new double[width];
    for (float[] row : features) {
      for (int d = 0; d < width; d++) {
        centred[d] = row[d] - mean[d];
      }
      for (int i = 0; i < width; i++) {
        double[] target = covariance[i];
        double left = centred[i];
        for (int j = i; j < width; j++) {
          target[j] += left * centred[j];
        }
      }
    }
    for (int i = 0; i < width; i++) {
      for (int j = i; j < width; j++) {
        covariance[i][j] /= features.length - 1;
        covariance[j][i] = covariance[i][j];
      }
    }
    return new FeatureGaussian(mean, covariance);
  }

  int width() {
    return mean.length;
  }

  double trace() {
    double sum = 0;
    for (int d = 0; d < mean.length; d++) {
      sum += covariance[d][d];
    }
    return sum;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof FeatureGaussian that
        && Arrays.equals(mean, that.mean)
        && Arrays.deepEquals(covariance, that.covariance);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(mean) + Arrays.deepHashCode(covariance);
  }

  @Override
  public String toString() {
    return "FeatureGaussian[" + mean.length + " features]";
  }
}
