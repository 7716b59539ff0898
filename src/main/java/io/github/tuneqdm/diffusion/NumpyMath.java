package io.github.tuneqdm.diffusion;

/** The numpy functions that timesteps and sigmas are made with, to the bit. */
final class NumpyMath {
  private static final float LN_2 = 0.693147180559945309417f;
  private static final float SQRT_HALF = 0.70710678118654752440f;
  private static final float[] LOG_NUMERATOR = {
    0f,
    9.999999999999998702752e-01f,
    2.112677543073053063722e+00f,
    1.480000633576506585156e+00f,
    3.808837741388407920751e-01f,
    2.589979117907922693523e-02f
  };
  private static final float[] LOG_DENOMINATOR = {
    1f,
    2.612677543073109236779e+00f,
    2.453006071784736363091e+00f,
    9.864942958519418960339e-01f,
    1.546476374983906719538e-01f,
    5.875095403124574342950e-03f
  };

  private NumpyMath() {}

  /** numpy.linspace: equal steps, the last entry exactly {@code stop}. */
  static double[] linspace(double start, double stop, int count) {
    double[] values = new double[count];
    double step = count > 1 ? (stop - start) / (count - 1) : 0;
    for (int i = 0; i < count; i++) {
      values[i] = i * step + start;
    }
    if (count > 1) {
      values[count - 1] = stop;
    }
    return values;
  }

  /** numpy.arange, whose step is the rounded difference of its first two entries. */
  static double[] arange(double start, double stop, double step) {
    int count = (int) Math.max(0, Math.ceil((stop - start) / step));
    double delta = (start + step) - start;
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = start + i * delta;
    }
    return values;
  }

  /** numpy.interp over the knots 0, 1, …: linear between them, held constant outside. */
  static double interpolate(double x, float[] table) {
    int last = table.length - 1;
    if (x <= 0) {
      return table[0];
    }
    if (x >= last) {
      return table[last];
    }
    int low = (int) x;
    double slope = (double) table[low + 1] - table[low];
    return slope * (x - low) + table[low];
  }

  /**
   * numpy.log of a float32: a rational approximation of {@code ln(1 + y)} around the mantissa, up
   * to 4 ulp from the true value, so that the correctly rounded logarithm would not do.
   */
  static float log(float x) {
    int exponent = Math.getExponent(x) + 1;
    float mantissa = Math.scalb(x, -exponent); // [0.5, 1)
    if (mantissa < SQRT_HALF) {
      mantissa *= 2;
      exponent--;
    }
    float y = mantissa - 1;
    float numerator = LOG_NUMERATOR[5];
    float denominator = LOG_DENOMINATOR[5];
    for (int i = 4; i >= 0; i--) {
      numerator = Math.fma(numerator, y, LOG_NUMERATOR[i]);
      denominator = Math.fma(denominator, y, LOG_DENOMINATOR[i]);
    }
    return Math.fma((float) exponent, LN_2, numerator / denominator);
  }
}
