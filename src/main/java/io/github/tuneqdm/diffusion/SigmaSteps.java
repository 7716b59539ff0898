package io.github.tuneqdm.diffusion;

import io.github.tuneqdm.error.TuneQdmException;

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
    for (int i = 1; i < levels.length; i++) {
      if (!(sigmas[i] < sigmas[i - 1])) {
        throw TuneQdmException.usage(
            "Cannot sample in " + levels.length + " steps: too many for distinct noise levels");
      }
    }
    return new SigmaSteps(timesteps, sigmas);
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
