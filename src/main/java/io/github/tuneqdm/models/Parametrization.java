package io.github.tuneqdm.models;

import io.github.tuneqdm.nn.ScaleLayout;
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

  /** What a network's scales are in these numbers, where one rate serves all. */
  public ScaleCoordinates of(TunableUNet network) {
    return of(network, LrWeights.EQUAL);
  }

  /** What a network's scales are in these numbers. */
  public ScaleCoordinates of(TunableUNet network, LrWeights weights) {
    float[] initial = network.initialRow();
    float[] unit = initial.clone();
    if (this == RELATIVE) {
      Arrays.fill(unit, 1);
    }
    for (ScaleLayout.Layer layer : network.layout().layers()) {
      float weight = weights.of(layer.name());
      divide(unit, layer.outColumn(), layer.cOut(), weight);
      divide(unit, layer.inColumn(), layer.cIn(), weight);
    }
    return new ScaleCoordinates(initial, unit, this == RELATIVE ? 1 : 0);
  }

  private static void divide(float[] unit, int from, int count, float weight) {
    for (int i = from; i < from + count; i++) {
      unit[i] = Math.min(unit[i] / weight, Float.MAX_VALUE); // a weight of 0 freezes a layer
    }
  }
}
