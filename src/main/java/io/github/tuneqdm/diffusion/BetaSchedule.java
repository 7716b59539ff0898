package io.github.tuneqdm.diffusion;

/** How beta grows over the training timesteps; float32 tables as PyTorch computes them. */
enum BetaSchedule {
  LINEAR("linear"),
  SCALED_LINEAR("scaled_linear"),
  SQUARED_COSINE("squaredcos_cap_v2");

  private static final double MAX_COSINE_BETA = 0.999;

  private final String configName;

  BetaSchedule(String configName) {
    this.configName = configName;
  }

  String configName() {
    return configName;
  }

  float[] betas(double start, double end, int timesteps) {
    return switch (this) {
      case LINEAR -> TorchMath.linspace((float) start, (float) end, timesteps);
      case SCALED_LINEAR -> {
        float[] roots =
            TorchMath.linspace((float) Math.sqrt(start), (float) Math.sqrt(end), timesteps);
        for (int t = 0; t < timesteps; t++) {
          roots[t] *= roots[t];
        }
        yield roots;
      }
      case SQUARED_COSINE -> cosine(timesteps);
    };
  }

  /** {@code beta_t = 1 - f(t+1)/f(t)}, {@code f(t) = cos^2((t/T + 0.008)/1.008 pi/2)}, capped. */
  private static float[] cosine(int timesteps) {
    float[] betas = new float[timesteps];
    for (int t = 0; t < timesteps; t++) {
      double now = squaredCosine((double) t / timesteps);
      double next = squaredCosine((double) (t + 1) / timesteps);
      betas[t] = (float) Math.min(1 - next / now, MAX_COSINE_BETA);
    }
    return betas;
  }

  private static double squaredCosine(double time) {
    double cosine = Math.cos((time + 0.008) / 1.008 * Math.PI / 2);
    return cosine * cosine;
  }
}
