package io.github.tuneqdm.diffusion;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

/**
 * Weighted sums of latents. Weights enter as host scalars: PyTorch takes a zero-dimensional CPU
 * tensor as an argument of a GPU kernel, where a scalar on the GPU would cost a synchronising copy.
 */
final class LatentMath {
  /** {@code factor * array}. */
  record Term(double factor, NDArray array) {}

  private LatentMath() {}

  /** The dtype that a step on {@code sample} computes in. */
  static DataType workingType(NDArray sample) {
    return switch (sample.getDataType()) {
      case FLOAT32, FLOAT64 -> sample.getDataType();
      case FLOAT16 -> DataType.FLOAT32;
      default ->
          throw new IllegalArgumentException(
              "samples must be float16, float32 or float64, not " + sample.getDataType());
    };
  }

  /** The sum of the terms in the working type, on {@code sample}'s manager. */
  static NDArray sum(NDArray sample, Term... terms) {
    DataType type = workingType(sample);
    try (NDManager scalars = sample.getManager().newSubManager(Device.cpu())) {
      NDArray total = null;
      for (Term term : terms) {
        if (term.factor() == 0) {
          continue;
        }
        NDArray product = product(term, type, scalars);
        if (total == null) {
          total = product;
        } else {
          total.addi(product);
          product.close();
        }
      }
      if (total == null) {
        return sample.getManager().zeros(sample.getShape(), type, sample.getDevice());
      }
      total.attach(sample.getManager());
      return total;
    }
  }

  /** {@link #sum} in {@code sample}'s own dtype: the form in which a step returns its result. */
  static NDArray next(NDArray sample, Term... terms) {
    NDArray total = sum(sample, terms);
    if (total.getDataType() == sample.getDataType()) {
      return total;
    }
    try (total) {
      return total.toType(sample.getDataType(), false);
    }
  }

  private static NDArray product(Term term, DataType type, NDManager scalars) {
    NDArray factor = scalars.create(term.factor());
    if (term.array().getDataType() == type) {
      return term.array().mul(factor);
    }
    return term.array().toType(type, false).muli(factor);
  }
}
