package io.github.tuneqdm.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/**
 * Comparison of tables that are made of float32 square roots. PyTorch's vector library takes
 * another path on each family of CPUs, and its roots differ by a unit in the last place.
 */
final class Roots {
  private static final double SOME_UNITS = 5e-7;

  private Roots() {}

  static void assertEqual(double actual, double expected) {
    assertThat(actual).isCloseTo(expected, within(SOME_UNITS * Math.max(1, Math.abs(expected))));
  }

  static void assertEqual(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      assertEqual(actual[i], expected[i]);
    }
  }

  static void assertEqual(double[] actual, double[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      assertEqual(actual[i], expected[i]);
    }
  }
}
