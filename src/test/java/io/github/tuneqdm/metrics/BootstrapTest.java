package io.github.tuneqdm.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class BootstrapTest {
  @Test
  void sameSeedSameInterval() {
    double[] values = {0.1, 0.3, 0.2, 0.25};
    assertThat(Bootstrap.overSubjects(values, 0.95, 31, 7))
        .isEqualTo(Bootstrap.overSubjects(values, 0.95, 31, 7))
        .isNotEqualTo(Bootstrap.overSubjects(values, 0.95, 31, 8));
  }

  @Test
  void oneSubjectHasNoSpread() {
    assertThat(Bootstrap.overSubjects(new double[] {0.5}, 0.9, 100, 0))
        .isEqualTo(new ConfidenceInterval(0.5, 0.5, 0.5, 0.9));
  }

  @Test
  void approachesTheNormalIntervalOfManySubjects() {
    Random random = new Random(1);
    double[] values = random.doubles(400).toArray(); // deviation 1 / sqrt(12)
    double halfWidth = 1.96 / Math.sqrt(12 * 400);
    ConfidenceInterval interval = Bootstrap.overSubjects(values, 0.95, 5000, 2);
    assertThat(interval.mean() - interval.low()).isCloseTo(halfWidth, within(0.003));
    assertThat(interval.high() - interval.mean()).isCloseTo(halfWidth, within(0.003));
  }

  @Test
  void randomSubsetsOfTheKernelDistanceAreSeeded() {
    float[][] a = {{1, 0}, {0, 1}, {1, 1}, {2, 1}, {0, 0}};
    float[][] b = {{3, 0}, {0, 3}, {1, 2}, {2, 2}};
    assertThat(KernelDistance.overRandomSubsets(a, b, 5, 3, 1))
        .isEqualTo(KernelDistance.overRandomSubsets(a, b, 5, 3, 1));
    assertThat(KernelDistance.overRandomSubsets(a, b, 1, 4, 1).values()).hasSize(1);
  }
}
