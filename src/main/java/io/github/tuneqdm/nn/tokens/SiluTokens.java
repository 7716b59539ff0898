package io.github.tuneqdm.nn.tokens;

import ai.djl.ndarray.NDArray;

/** SiLU by itself. */
final class SiluTokens implements TokenBlock {
  @Override
  public NDArray forward(Pass p, NDArray... in) {
    return p.out().silu(in[0]);
  }

  @Override
  public NDArray[] backward(Pass p, NDArray g, NDArray... in) {
    return new NDArray[] {p.out().siluBackward(g, in[0])};
  }
}
