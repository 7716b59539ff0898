package io.github.tuneqdm.nn.tokens;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.tensor.BlockWeights;

/** A convolution by itself: conv_in, or a downsampler's. Input: x (B, H, W, C). */
final class ConvTokens implements TokenBlock {
  private final BlockWeights w;
  private final int stride;
  private final int padding;

  private NDArray v; // (B, H', W', C_out), without ratios and bias

  ConvTokens(BlockWeights w, int stride, int padding) {
    this.w = w;
    this.stride = stride;
    this.padding = padding;
  }

  @Override
  public NDArray forward(Pass p, NDArray... in) {
    NDArray s = p.temp().scale(in[0], p.d(w, 0));
    v = p.conv(p.kept(), w, 0, s, stride, padding);
    return p.out().affine(v, p.r(w, 0), w.bias(0), null);
  }

  @Override
  public NDArray[] backward(Pass p, NDArray g, NDArray... in) {
    NDArray gv = p.temp().scaleBackward(g, v, p.r(w, 0), p.gradients(), null);
    NDArray gs = p.convBackward(p.temp(), w, 0, gv, in[0], stride, padding);
    return new NDArray[] {p.out().scaleBackward(gs, in[0], p.d(w, 0), p.gradients(), null)};
  }
}
