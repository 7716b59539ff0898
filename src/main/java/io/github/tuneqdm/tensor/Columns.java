package io.github.tuneqdm.tensor;

import ai.djl.ndarray.NDArray;

/**
 * Some columns of each sample's scales; how many, their use tells.
 *
 * @param rows (B, P) float32
 * @param from the first column, or -1 for scales of one
 */
public record Columns(NDArray rows, int from) {

  /** Whether there are such columns. */
  boolean present() {
    return from >= 0;
  }
}
