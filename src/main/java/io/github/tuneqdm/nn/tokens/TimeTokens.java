package io.github.tuneqdm.nn.tokens;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.tensor.BlockWeights;

/** Linear, SiLU, Linear: a time embedding. Input: (B, 1, D). */
final class TimeTokens implements TokenBlock {
  private final BlockWeights w;

  private NDArray v1; // (B, 1, D'), without ratios and bias
  private NDArray u; // (B, 1, D'), before SiLU
  private NDArray a; // after it
  private NDArray v2;

  TimeTokens(BlockWeights w) {
    this.w = w;
  }

  @Override
  public NDArray forward(Pass p, NDArray... in) {
    v1 = p.linear(p.kept(), w, 0, p.temp().scale(in[0], p.d(w, 0)));
    u = p.kept().affine(v1, p.r(w, 0), w.bias(0), null);
    a = p.kept().silu(u);
    v2 = p.linear(p.kept(), w, 1, p.temp().scale(a, p.d(w, 1)));
    return p.out().affine(v2, p.r(w, 1), w.bias(1), null);
  }

  @Override
  public NDArray[] backward(Pass p, NDArray g, NDArray... in) {
    NDArray to = p.gradients();
    NDArray gv2 = p.temp().scaleBackward(g, v2, p.r(w, 1), to, null);
    NDArray gs2 = p.linearBackward(p.temp(), w, 1, gv2);
    NDArray ga = p.temp().scaleBackward(gs2, a, p.d(w, 1), to, null);
    NDArray gu = p.temp().siluBackward(ga, u);
    NDArray gv1 = p.temp().scaleBackward(gu, v1, p.r(w, 0), to, null);
    NDArray gs1 = p.linearBackward(p.temp(), w, 0, gv1);
    p.temp().scaleBackward(gs1, in[0], p.d(w, 0), to, null);
    return new NDArray[] {null};
  }
}
