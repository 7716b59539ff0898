package io.github.tuneqdm.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tuneqdm.models.UNetConfig;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.PhiloxRandom;
import java.util.Arrays;

/**
 * Latents and text states that nobody encoded, the same on every machine.
 *
 * @param owner of all tensors
 * @param sample (B, C, h, w) float32
 * @param context (B, L, D)
 */
record Inputs(NDManager owner, NDArray sample, NDArray context) {
  static final int TIMESTEPS = 1000;

  static Inputs of(Compute compute, NDManager owner, BenchSettings settings, int b) {
    BenchModel model = settings.model();
    UNetConfig config = UNetConfig.from(model.unet());
    int side = settings.size() / model.downscale();
    int features = config.crossAttentionDims().get(0);
    float[] text = normals("text", b * model.textLength() * features);
    return new Inputs(
        owner,
        latents(owner, "sample", b, config.inChannels(), side, side),
        compute.weights(owner, text, b, model.textLength(), features));
  }

  /** A timestep of each sample (B,). */
  long[] timesteps() {
    long[] timesteps = new long[Math.toIntExact(sample.getShape().get(0))];
    Arrays.setAll(timesteps, i -> (i * 389L + 77) % TIMESTEPS);
    return timesteps;
  }

  /** Others like {@link #sample}. */
  NDArray latents(String name) {
    return latents(owner, name, sample.getShape().getShape());
  }

  private static NDArray latents(NDManager owner, String name, long... shape) {
    int count = 1;
    for (long extent : shape) {
      count *= (int) extent;
    }
    return Compute.floats(owner, normals(name, count), shape);
  }

  private static float[] normals(String name, int count) {
    return PhiloxRandom.of(1, "bench/" + name, 0).normals(count);
  }
}
