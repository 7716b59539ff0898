package io.github.tuneqdm.diffusion;

/** The training noise levels {@code sigma_t = sqrt((1 - A_t) / A_t)}, float32, over t. */
final class SigmaTable {
  /** A_T of a zero-SNR schedule, so that its sigma stays finite: float16's smallest number. */
  private static final float SMALLEST_ALPHA = 0x1p-24f;

  private static final double KARRAS_RHO = 7;
  private static final double MIN_SIGMA = 1e-10;

  private final float[] alphasCumprod;
  private final float[] sigmas;
  private final float[] logSigmas;

  SigmaTable(NoiseSchedule schedule) {
    int count = schedule.trainTimesteps();
    alphasCumprod = schedule.alphasCumprod();
    if (schedule.zeroTerminalSnr()) {
      alphasCumprod[count - 1] = SMALLEST_ALPHA;
    }
    float[] squares = new float[count];
    for (int t = 0; t < count; t++) {
      squares[t] = (1 - alphasCumprod[t]) / alphasCumprod[t];
    }
    sigmas = TorchMath.sqrt(squares);
    logSigmas = new float[count];
    for (int t = 0; t < count; t++) {
      logSigmas[t] = NumpyMath.log(sigmas[t]);
    }
  }

  float smallest() {
    return sigmas[0];
  }

  float largest() {
    return sigmas[sigmas.length - 1];
  }

  /** Sigma at timesteps that may lie between whole numbers. */
  double[] at(double[] timesteps) {
    double[] values = new double[timesteps.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = NumpyMath.interpolate(timesteps[i], sigmas);
    }
    return values;
  }

  /** Karras et al. 2022, equation 5: even steps of {@code sigma^(1/7)}. */
  static double[] karras(double max, double min, int steps) {
    double start = Math.pow(max, 1 / KARRAS_RHO);
    double end = Math.pow(min, 1 / KARRAS_RHO);
    double[] values = NumpyMath.linspace(0, 1, steps);
    for (int i = 0; i < steps; i++) {
      values[i] = Math.pow(start + values[i] * (end - start), KARRAS_RHO);
    }
    return values;
  }

  /** The timesteps where these sigmas lie, linear in log sigma between neighbours. */
  double[] timestepsOf(double[] values) {
    double[] timesteps = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      timesteps[i] = timestepOf(values[i]);
    }
    return timesteps;
  }

  private double timestepOf(double sigma) {
    double log = Math.log(Math.max(sigma, MIN_SIGMA));
    int low = 0;
    for (int t = 0; t < logSigmas.length - 1 && logSigmas[t] <= log; t++) {
      low = t;
    }
    int high = low + 1;
    double weight = (logSigmas[low] - log) / (logSigmas[low] - logSigmas[high]);
    weight = Math.min(Math.max(weight, 0), 1);
    return (1 - weight) * low + weight * high;
  }

  /** How many timesteps have {@code log(sqrt(A) / sqrt(1 - A))} below {@code lambda}. */
  int countBelowLambda(double lambda) {
    int count = 0;
    for (float alpha : alphasCumprod) {
      float logSignal = (float) Math.log((float) Math.sqrt(alpha));
      float logNoise = (float) Math.log((float) Math.sqrt(1 - alpha));
      if (logSignal - logNoise < lambda) {
        count++;
      }
    }
    return count;
  }
}
