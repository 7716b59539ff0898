package io.github.tuneqdm.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PhiloxRandomTest {
  private static final int[] PINNED_BLOCK = {-1413970021, 451533389, 968915851, -1564465723};
  private static final float[] PINNED_NORMALS = {
    0.70567364f, 0.5483061f, -1.1351591f, -1.2997911f, -0.19264153f
  };

  @Test
  void wordsEqualThePublishedKnownAnswers() {
    assertThat(PhiloxRandom.philox(0, 0, 0, 0, 0, 0))
        .containsExactly(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    assertThat(PhiloxRandom.philox(-1, -1, -1, -1, -1, -1))
        .containsExactly(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
    assertThat(
            PhiloxRandom.philox(
                0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0))
        .containsExactly(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
  }

  @Test
  void aStreamNeverChanges() {
    PhiloxRandom random = PhiloxRandom.of(7, "noise/dog", 3);

    assertThat(random.block(0)).containsExactly(PINNED_BLOCK);
    assertThat(random.normals(5)).containsExactly(PINNED_NORMALS);
    assertThat(random.normals(2)).containsExactly(Arrays.copyOf(PINNED_NORMALS, 2));
  }

  @Test
  void seedNameAndStepEachMakeAnotherStream() {
    PhiloxRandom random = PhiloxRandom.of(7, "noise/dog", 3);

    assertThat(PhiloxRandom.of(8, "noise/dog", 3).block(0)).isNotEqualTo(random.block(0));
    assertThat(PhiloxRandom.of(7, "noise/cat", 3).block(0)).isNotEqualTo(random.block(0));
    assertThat(PhiloxRandom.of(7, "noise/dog", 4).block(0)).isNotEqualTo(random.block(0));
    assertThat(random.atStep(4).block(0)).isEqualTo(PhiloxRandom.of(7, "noise/dog", 4).block(0));
  }

  @Test
  void anyBlockCanBeReadOnItsOwn() {
    PhiloxRandom random = PhiloxRandom.of(1, "crop", 0);
    PhiloxRandom.Draws draws = random.draws();
    for (int i = 0; i < 4 * 1000; i++) {
      draws.uniform();
    }

    assertThat(random.draws(1000).uniform()).isEqualTo(draws.uniform());
  }

  @Test
  void everyWholeNumberBelowABoundIsEquallyLikely() {
    PhiloxRandom.Draws draws = PhiloxRandom.of(5, "timestep", 0).draws();
    int[] counts = new int[10];
    for (int i = 0; i < 200_000; i++) {
      counts[draws.below(10)]++;
    }
    double chiSquare =
        Arrays.stream(counts).mapToDouble(count -> Math.pow(count - 20_000, 2) / 20_000).sum();

    assertThat(chiSquare).isLessThan(27.9); // 9 degrees of freedom, p = 0.001
  }

  @Test
  void boundsThatDoNotDivideTheWordAreNotBiased() {
    int bound = 3 << 29; // a remainder would favour the first two thirds, 3 to 2
    PhiloxRandom.Draws draws = PhiloxRandom.of(5, "bias", 0).draws();
    long low = IntStream.range(0, 90_000).filter(i -> draws.below(bound) < bound / 3).count();

    assertThat((double) low).isCloseTo(30_000, within(600.0));
    assertThat(draws.below(1)).isZero();
    assertThatThrownBy(() -> draws.below(0)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void normalsHaveTheMomentsOfTheNormalDistribution() {
    float[] values = PhiloxRandom.of(11, "moments", 0).normals(400_000);
    double[] moments = new double[5];
    for (float value : values) {
      for (int k = 1; k <= 4; k++) {
        moments[k] += Math.pow(value, k) / values.length;
      }
    }

    assertThat(moments[1]).isCloseTo(0, within(0.008));
    assertThat(moments[2]).isCloseTo(1, within(0.012));
    assertThat(moments[3]).isCloseTo(0, within(0.03));
    assertThat(moments[4]).isCloseTo(3, within(0.08));
  }

  @Test
  void uniformsLieInTheUnitIntervalWithMeanOneHalf() {
    PhiloxRandom.Draws draws = PhiloxRandom.of(12, "uniform", 0).draws();
    double sum = 0;
    for (int i = 0; i < 100_000; i++) {
      float value = draws.uniform();
      assertThat(value).isBetween(0f, 1f).isNotEqualTo(1f);
      sum += value;
    }

    assertThat(sum / 100_000).isCloseTo(0.5, within(0.005));
  }
}
