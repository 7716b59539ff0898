package io.github.tuneqdm.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SetDistancesTest {
  @Test
  void setsOfOneDistributionAreNearAndOthersFar() {
    float[][] a = normal(300, 0, 1);
    float[][] b = normal(200, 0, 2);
    float[][] far = normal(200, 3, 3);

    List<SetScore> near = SetDistances.of("FD-X", "KD-X", a, b);
    List<SetScore> wide = SetDistances.of("FD-X", "KD-X", a, far);

    assertThat(near).extracting(SetScore::name).containsExactly("FD-X", "KD-X");
    assertThat(near).extracting(SetScore::images).containsOnly(300);
    assertThat(near).extracting(SetScore::references).containsOnly(200);
    assertThat(near.get(0).value()).isLessThan(0.2);
    assertThat(wide.get(0).value()).isCloseTo(4 * 9, within(3.0)); // 3 in each of 4 dimensions
    assertThat(Math.abs(near.get(1).value())).isLessThan(0.1);
    assertThat(wide.get(1).value()).isGreaterThan(10);
    assertThat(near.get(1).deviation()).isPositive();
    assertThat(SetDistances.of("FD-X", "KD-X", a, b)).isEqualTo(near);
  }

  @Test
  void smallSetsOfOneSizeAreComparedWhole() {
    float[][] a = normal(50, 0, 1);

    List<SetScore> same = SetDistances.of("FD", "KD", a, a);
    assertThat(same.get(0).value()).isCloseTo(0, within(1e-9));
    assertThat(same.get(1).deviation()).isNull();
    assertThat(same.get(1).value()).isEqualTo(KernelDistance.between(a, a));
  }

  @Test
  void theInceptionScoreOfASortedFolderIsThatOfAShuffledOne() {
    float[][] sorted = new float[200][10];
    for (int i = 0; i < sorted.length; i++) {
      sorted[i][i / 20] = 20; // a class of 20 pictures each, surely recognised
    }

    SetScore score = SetDistances.inceptionScore(sorted);
    assertThat(score.value()).isBetween(6.0, 10.0); // one split of 20 sees nearly all classes
    assertThat(InceptionScore.of(sorted, 10).mean()).isCloseTo(1, within(1e-3));
  }

  @Test
  void onePictureHasNoDistance() {
    assertThatThrownBy(() -> SetDistances.of("FID", "KID", normal(1, 0, 1), normal(5, 0, 1)))
        .hasMessage(
            "Cannot compute FID of 1 images and 5 references: at least two of each are needed");
  }

  private static float[][] normal(int rows, double mean, long seed) {
    Random random = new Random(seed);
    float[][] values = new float[rows][4];
    for (float[] row : values) {
      for (int d = 0; d < row.length; d++) {
        row[d] = (float) (mean + random.nextGaussian());
      }
    }
    return values;
  }
}
