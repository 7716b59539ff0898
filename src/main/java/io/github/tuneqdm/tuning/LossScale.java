package io.github.tuneqdm.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.Precision;

/**
 * Keeps float16 gradients from vanishing: losses are multiplied with a power of two before the
 * backward pass and gradients divided by it after. Every subject has a scale of its own, which
 * lives on the device and finds its size there, so no step waits for the host and no subject's
 * overflow touches another. In float32 nothing is scaled.
 */
abstract sealed class LossScale {
  private static final double FIRST = 1 << 14;
  private static final double LARGEST = 1 << 24;
  private static final int PATIENCE = 500;

  /** For S = {@code subjects}; its tensors belong to {@code owner}. */
  static LossScale of(Compute compute, NDManager owner, int subjects, int experts) {
    return compute.precision() == Precision.FLOAT16
        ? new PerSubject(compute, owner, subjects, experts)
        : new None();
  }

  /** What the backward pass starts from (B,), in the manager of {@code rows}. */
  abstract NDArray seeds(NDArray rows);

  /** Divides the gradient (S, K) in place; gradients that overflowed become zero. */
  abstract void removeFrom(NDArray gradient);

  private static final class None extends LossScale {
    @Override
    NDArray seeds(NDArray rows) {
      return rows.getManager().ones(rows.getShape());
    }

    @Override
    void removeFrom(NDArray gradient) {}
  }

  private static final class PerSubject extends LossScale {
    private final Compute compute;
    private final int experts;
    private final NDArray scale; // (S,)
    private final NDArray clean; // (S,)

    PerSubject(Compute compute, NDManager owner, int subjects, int experts) {
      this.compute = compute;
      this.experts = experts;
      this.scale = owner.ones(new Shape(subjects)).muli(FIRST);
      this.clean = owner.zeros(new Shape(subjects));
    }

    @Override
    NDArray seeds(NDArray rows) {
      return compute.kernels().lossSeeds(rows, scale, experts);
    }

    @Override
    void removeFrom(NDArray gradient) {
      compute.kernels().unscale(gradient, scale, clean, PATIENCE, LARGEST);
    }
  }
}
