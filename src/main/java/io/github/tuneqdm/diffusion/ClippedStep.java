package io.github.tuneqdm.diffusion;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tuneqdm.diffusion.LatentMath.Term;

/**
 * The step DDPM and DDIM share: {@code clean x0 + own x + output m + noise z}, where x0 is
 * predicted from x and m and, if asked, clipped to a range.
 */
final class ClippedStep implements AutoCloseable {
  /** What x0, x, m and z are multiplied with. */
  record Weights(double clean, double own, double output, double noise) {}

  private final double range;
  private NDManager bounds;
  private NDArray low;
  private NDArray high;

  /** {@code range} may be infinite: no clipping. */
  ClippedStep(double range) {
    this.range = range;
  }

  NDArray take(
      NDArray modelOutput, NDArray sample, NDArray noise, Prediction prediction, Weights weights) {
    if (weights.noise() != 0 && noise == null) {
      throw new IllegalArgumentException("this step needs noise");
    }
    Term fresh = new Term(weights.noise(), noise);
    if (range == Double.POSITIVE_INFINITY) {
      return LatentMath.next(
          sample,
          new Term(weights.clean() * prediction.cleanFromSample() + weights.own(), sample),
          new Term(weights.clean() * prediction.cleanFromOutput() + weights.output(), modelOutput),
          fresh);
    }
    try (NDArray x0 =
            LatentMath.sum(
                sample,
                new Term(prediction.cleanFromSample(), sample),
                new Term(prediction.cleanFromOutput(), modelOutput));
        NDArray clipped = clip(x0)) {
      return LatentMath.next(
          sample,
          new Term(weights.clean(), clipped),
          new Term(weights.own(), sample),
          new Term(weights.output(), modelOutput),
          fresh);
    }
  }

  private NDArray clip(NDArray x0) {
    if (bounds == null) {
      // Bounds sit on the device: minimum and maximum take no host scalars. One copy a run.
      bounds = NDManager.newBaseManager(x0.getDevice(), "PyTorch");
      low = bounds.create(-range).toType(x0.getDataType(), false);
      high = bounds.create(range).toType(x0.getDataType(), false);
    }
    try (NDArray atLeast = x0.maximum(low)) {
      return atLeast.minimum(high);
    }
  }

  @Override
  public void close() {
    if (bounds != null) {
      bounds.close();
    }
  }
}
