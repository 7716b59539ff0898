package io.github.tuneqdm.diffusion;

import ai.djl.ndarray.NDArray;

/**
 * One walk from noise to samples. All samples of the batch share the timestep; steps are taken in
 * order, once each. Not for use by several threads at once.
 *
 * <p>Dimensions: B samples, C channels, H by W latents; N = {@code timesteps().length} network
 * calls, which is more than the steps asked for where a solver needs extra calls (PNDM).
 *
 * <p>Arithmetic runs in the sample's dtype (float32 for float16 samples) with coefficients that
 * live on the host: no step waits for the device. bfloat16 samples are not supported; a bfloat16
 * model output is cast up. History tensors belong to the run and are freed by {@link #close}.
 */
public interface SamplerRun extends AutoCloseable {
  /** What the network is told at each call; whole numbers except for Euler. */
  double[] timesteps();

  /**
   * The noise levels {@code sigma = sqrt((1 - A)/A)} the run steps through, one more than there are
   * timesteps; empty for samplers that do not work in sigma.
   */
  default float[] sigmas() {
    return new float[0];
  }

  /** What standard normal noise is multiplied with to start from. */
  default double initNoiseSigma() {
    return 1;
  }

  /**
   * The network's input for call {@code i}.
   *
   * @param sample (B, C, H, W)
   * @return {@code sample} itself where the sampler does not scale, else a new array on its manager
   */
  default NDArray scaleModelInput(NDArray sample, int i) {
    return sample;
  }

  /** Whether step {@code i} adds fresh standard normal noise. */
  default boolean needsNoise(int i) {
    return false;
  }

  /**
   * The sample after call {@code i}.
   *
   * @param modelOutput the network's output (B, C, H, W); stays the caller's
   * @param sample the current sample (B, C, H, W); stays the caller's
   * @param noise standard normal noise (B, C, H, W) where {@link #needsNoise}, else ignored
   * @return a new array on {@code sample}'s manager, of {@code sample}'s dtype
   */
  NDArray step(NDArray modelOutput, int i, NDArray sample, NDArray noise);

  /** A step that adds no noise. */
  default NDArray step(NDArray modelOutput, int i, NDArray sample) {
    return step(modelOutput, i, sample, null);
  }

  @Override
  void close();
}
