package io.github.tuneqdm.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class FrechetDistanceTest {
  @Test
  void ofDiagonalGaussiansHasAClosedForm() {
    FeatureGaussian a = new FeatureGaussian(new double[] {0, 1}, new double[][] {{4, 0}, {0, 9}});
    FeatureGaussian b = new FeatureGaussian(new double[] {3, 1}, new double[][] {{1, 0}, {0, 0}});
    // |m1 - m2|^2 = 9, (2 - 1)^2 = 1, (3 - 0)^2 = 9
    assertThat(FrechetDistance.between(a, b)).isCloseTo(19, within(1e-12));
  }

  @Test
  void ofConstantFeaturesIsTheDistanceOfTheMeans() {
    float[][] zeros = {{0, 0}, {0, 0}, {0, 0}};
    float[][] fours = {{0, 4}, {0, 4}};
    assertThat(FrechetDistance.between(zeros, fours)).isEqualTo(16);
  }

  @Test
  void isSymmetricAndZeroToItselfWhenFeaturesOutnumberImages() {
    float[][] a = normals(7, 64, 1);
    float[][] b = normals(9, 64, 2);
    assertThat(FrechetDistance.between(a, b))
        .isCloseTo(FrechetDistance.between(b, a), within(1e-9))
        .isPositive();
    assertThat(FrechetDistance.between(a, a)).isCloseTo(0, within(1e-9));
  }

  private static float[][] normals(int rows, int width, long seed) {
    Random random = new Random(seed);
    float[][] values = new float[rows][width];
    for (float[] row : values) {
      for (int d = 0; d < width; d++) {
        row[d] = (float) random.nextGaussian();
      }
    }
    return values;
  }
}
