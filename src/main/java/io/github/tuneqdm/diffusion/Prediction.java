package io.github.tuneqdm.diffusion;

/**
 * How the clean sample x0 and the noise eps follow from the sample x and the network's output m at
 * signal scale a and noise scale s:
 *
 * <pre>
 *   x0  = cleanFromSample x + cleanFromOutput m
 *   eps = noiseFromSample x + noiseFromOutput m
 * </pre>
 */
record Prediction(
    double cleanFromSample,
    double cleanFromOutput,
    double noiseFromSample,
    double noiseFromOutput) {

  static Prediction of(PredictionType type, double a, double s) {
    return switch (type) {
      case EPSILON -> new Prediction(1 / a, -s / a, 0, 1);
      case SAMPLE -> new Prediction(0, 1, 1 / s, -a / s);
      case V_PREDICTION -> new Prediction(a, -s, s, a);
    };
  }
}
