package io.github.tuneqdm.models;

import java.util.Arrays;
import java.util.Locale;

/** Which numbers training moves in the place of scales. */
public enum Parametrization {
  /** The scales themselves, as in TuneQDM's reference: decay pulls them towards 0. */
  ABSOLUTE,
  /**
   * Changes relative to the quantiser's scales: a step means the same for both scales, at every
   * bit-width and in every channel, and decay pulls scales back to where they began.
   */
  RELATIVE;

  /** One that {@code tuneqdm.tuning.parametrization} may name. */
  public static Parametrization parse(String name) {
    return valueOf(name.toUpperCase(Locale.ROOT));
  }

  /** What a network's scales are in these numbers. */
  public ScaleCoordinates of(TunableUNet network) {
    float[] initial = network.initialRow();
    if (this == ABSOLUTE) {
      return new ScaleCoordinates(initial, initial, 0);
    }
    float[] ones = new float[initial.length];
    Arrays.fill(ones, 1);
    return new ScaleCoordinates(initial, ones, 1);
  }
}
