package io.github.tuneqdm.models;

import java.util.Arrays;

/**
 * In what numbers training moves scales: a scale is {@code initial * (theta / unit + origin)}. An
 * optimiser that takes steps of about its learning rate moves a scale by {@code initial / unit} of
 * that, and weight decay pulls it towards {@code initial * origin}.
 *
 * @param initialRow (P,) scales as the quantiser left them, see {@link TunableUNet#initialRow}
 * @param unit (P,), by column
 */
public record ScaleCoordinates(float[] initialRow, float[] unit, float origin) {

  /** Rows of P numbers that stand for the scales as the quantiser left them. */
  public float[] initial(int rows) {
    float[] theta = new float[rows * unit.length];
    for (int i = 0; i < theta.length; i++) {
      theta[i] = (1 - origin) * unit[i % unit.length];
    }
    return theta;
  }

  /** The scales that rows of numbers stand for. */
  public float[] scales(float[] theta) {
    if (origin == 0 && Arrays.equals(unit, initialRow)) {
      return theta; // these are scales already, and shall stay so to the bit
    }
    float[] scales = new float[theta.length];
    for (int i = 0; i < theta.length; i++) {
      int column = i % unit.length;
      scales[i] = initialRow[column] * (theta[i] / unit[column] + origin);
    }
    return scales;
  }
}
