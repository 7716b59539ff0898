package io.github.tuneqdm.nn.tokens;

import ai.djl.ndarray.NDArray;

/** Joins channels. Inputs: (B, H, W, C_1) and (B, H, W, C_2). */
final class ConcatTokens implements TokenBlock {
  @Override
  public NDArray forward(Pass p, NDArray... in) {
    return p.out().concat(in[0], in[1]);
  }

  @Override
  public boolean isCheap() {
    return true;
  }

  @Override
  public NDArray[] backward(Pass p, NDArray g, NDArray... in) {
    long first = in[0].getShape().get(3);
    return new NDArray[] {
      p.out().slice(g, 0, first), p.out().slice(g, first, in[1].getShape().get(3))
    };
  }
}
