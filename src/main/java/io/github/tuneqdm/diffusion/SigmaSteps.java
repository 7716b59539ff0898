package io.github.tuneqdm.diffusion;

/**
 * The plan of a solver that works in sigma: N timesteps and N + 1 decreasing noise levels, the last
 * being where it ends.
 */
record SigmaSteps(double[] timesteps, float[] sigmas) {

  static SigmaSteps of(double[] timesteps, double[] levels, float end) {
    float[] sigmas = new float[levels.length + 1];
    for (int i = 0; i < levels.length; i++) {
      sigmas[i] = (float) levels[i];
    }
    sigmas[levels.length] = end;
    return new SigmaSteps(timesteps, sigmas);
  }

  /** Refuses a plan with unknown timesteps or a step that stands still, save for the last. */
  SigmaSteps usable(int trainTimesteps) {
    for (int i = 0; i < timesteps.length; i++) {
      boolean known = timesteps[i] >= 0 && timesteps[i] < trainTimesteps;
      boolean moves = i == 0 || sigmas[i] < sigmas[i - 1];
      if (!known || !moves) {
        throw TimestepSpacing.tooMany(timesteps.length, trainTimesteps);
      }
    }
    return this;
  }

  int count() {
    return timesteps.length;
  }

  /** {@code sqrt(A) = 1 / sqrt(sigma^2 + 1)} at level i, float32 like the table. */
  float signal(int i) {
    return 1 / (float) Math.sqrt(sigmas[i] * sigmas[i] + 1);
  }

  /** {@code sqrt(1 - A)} at level i. */
  float noise(int i) {
    return sigmas[i] * signal(i);
  }

  /** Half the log signal-to-noise ratio at level i; infinite where sigma is zero. */
  float lambda(int i) {
    return (float) Math.log(signal(i)) - (float) Math.log(noise(i));
  }
}
