package io.github.tuneqdm.nn.tokens;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.tensor.BlockWeights;

/** Nearest-neighbour resize, then a 3x3 convolution. Input: x (B, h, w, C). */
final class UpsampleTokens implements TokenBlock {
  private final long height;
  private final long width;
  private final ConvTokens conv;

  private NDArray larger; // (B, H, W, C)

  UpsampleTokens(BlockWeights w, long height, long width) {
    this.height = height;
    this.width = width;
    this.conv = new ConvTokens(w, 1, 1);
  }

  @Override
  public NDArray forward(Pass p, NDArray... in) {
    larger = p.kept().upsample(in[0], height, width);
    return conv.forward(p, larger);
  }

  @Override
  public NDArray[] backward(Pass p, NDArray g, NDArray... in) {
    NDArray each = conv.backward(p, g, larger)[0];
    long[] s = in[0].getShape().getShape();
    NDArray gx = p.out().upsampleBackward(each, s[1], s[2]);
    each.close();
    return new NDArray[] {gx};
  }
}
