package io.github.tuneqdm.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.Precision;
import java.util.Arrays;

/**
 * Keeps float16 gradients from vanishing: losses are multiplied with a power of two before the
 * backward pass and gradients divided by it after. Every subject has a scale of its own, which
 * lives on the device and finds its size there, so no step waits for the host and no subject's
 * overflow touches another. In float32 nothing is scaled.
 */
abstract sealed class LossScale {
  private static final float FIRST = 1 << 14;
  private static final double LARGEST = 1 << 24;
  private static final int PATIENCE = 500;

  /** For S = {@code subjects}; its tensors belong to {@code owner}. */
  static LossScale of(Compute compute, NDManager owner, int subjects, int experts) {
    if (compute.precision() != Precision.FLOAT16) {
      return new None();
    }
    float[] scale = new float[subjects];
    Arrays.fill(scale, FIRST);
    return new PerSubject(compute, owner, experts, scale, new float[subjects]);
  }

  /** As a state has it; where that comes from a device that scaled nothing, as at the start. */
  static LossScale of(
      Compute compute, NDManager owner, int subjects, int experts, TrainingState state) {
    return compute.precision() != Precision.FLOAT16 || state.lossScale().length != subjects
        ? of(compute, owner, subjects, experts)
        : new PerSubject(compute, owner, experts, state.lossScale(), state.cleanSteps());
  }

  /** What the backward pass starts from (B,), in the manager of {@code rows}. */
  abstract NDArray seeds(NDArray rows);

  /** Divides the gradient (S, K) in place; gradients that overflowed become zero. */
  abstract void removeFrom(NDArray gradient);

  /** (S,), or empty where nothing is scaled. */
  abstract float[] scales();

  /** Steps since each scale changed (S,), or empty where nothing is scaled. */
  abstract float[] cleanSteps();

  private static final class None extends LossScale {
    @Override
    NDArray seeds(NDArray rows) {
      return rows.getManager().ones(rows.getShape());
    }

    @Override
    void removeFrom(NDArray gradient) {}

    @Override
    float[] scales() {
      return new float[0];
    }

    @Override
    float[] cleanSteps() {
      return new float[0];
    }
  }

  private static final class PerSubject extends LossScale {
    private final Compute compute;
    private final int experts;
    private final NDArray scale; // (S,)
    private final NDArray clean; // (S,)

    PerSubject(Compute compute, NDManager owner, int experts, float[] scale, float[] clean) {
      this.compute = compute;
      this.experts = experts;
      this.scale = Compute.floats(owner, scale, scale.length);
      this.clean = Compute.floats(owner, clean, clean.length);
    }

    @Override
    NDArray seeds(NDArray rows) {
      return compute.kernels().lossSeeds(rows, scale, experts);
    }

    @Override
    void removeFrom(NDArray gradient) {
      compute.kernels().unscale(gradient, scale, clean, PATIENCE, LARGEST);
    }

    @Override
    float[] scales() {
      return floats(scale);
    }

    @Override
    float[] cleanSteps() {
      return floats(clean);
    }

    private static float[] floats(NDArray x) {
      float[] values = new float[Math.toIntExact(x.size())];
      Compute.copy(x).asFloatBuffer().get(values);
      return values;
    }
  }
}
