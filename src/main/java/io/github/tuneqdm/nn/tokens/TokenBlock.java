package io.github.tuneqdm.nn.tokens;

import ai.djl.ndarray.NDArray;

/**
 * One use of a network block in a pass. {@link #forward} keeps in fields what {@link #backward}
 * needs; running it again replaces them. Activations are (B, H, W, C) or (B, L, C).
 */
interface TokenBlock {

  /** The block's result, made by {@code p.out()}. */
  NDArray forward(Pass p, NDArray... in);

  /** Whether the result costs less to make again than to keep. */
  default boolean isCheap() {
    return false;
  }

  /**
   * Sums the gradients of the block's scales into {@code p.gradients()}.
   *
   * @param g the gradient of the result
   * @return the gradient of each input, made by {@code p.out()}; null where nobody needs it
   */
  NDArray[] backward(Pass p, NDArray g, NDArray... in);
}
