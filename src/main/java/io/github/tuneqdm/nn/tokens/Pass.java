package io.github.tuneqdm.nn.tokens;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.Columns;
import io.github.tuneqdm.tensor.TokenOps;
import io.github.tuneqdm.tensor.TokenOps.Shifted;

/**
 * What a block computes with in one pass.
 *
 * @param out its results outlive the block
 * @param kept its results live until the block's backward pass
 * @param temp its results are gone when the block ends
 * @param scales (B, P) float32, or an empty tensor for a network without scales
 * @param gradients (B, P) float32, or null in a pass without gradients
 */
record Pass(TokenOps out, TokenOps kept, TokenOps temp, NDArray scales, NDArray gradients) {

  /** The ratios of layer i's output. */
  Columns r(BlockWeights w, int i) {
    return new Columns(scales, rColumn(w, i));
  }

  /** The scales of layer i's input. */
  Columns d(BlockWeights w, int i) {
    return new Columns(scales, dColumn(w, i));
  }

  int rColumn(BlockWeights w, int i) {
    return scales.size() == 0 ? -1 : w.outColumn(i);
  }

  int dColumn(BlockWeights w, int i) {
    return scales.size() == 0 ? -1 : w.inColumn(i);
  }

  boolean recording() {
    return gradients != null;
  }

  /** x itself as what GroupNorm normalises. */
  Shifted plain(NDArray x) {
    return new Shifted(x, new Columns(scales, -1), null);
  }

  /** {@code W_i h}; h (..., C_in). */
  NDArray linear(TokenOps ops, BlockWeights w, int i, NDArray h) {
    return w.weight(i).use(temp, weight -> ops.matmul(h, weight));
  }

  /** {@code W_i^T g}. */
  NDArray linearBackward(TokenOps ops, BlockWeights w, int i, NDArray g) {
    return w.weight(i).use(temp, weight -> ops.matmulBackward(g, weight));
  }

  /** Convolves h (B, H, W, C_in) with layer i. */
  NDArray conv(TokenOps ops, BlockWeights w, int i, NDArray h, int stride, int padding) {
    return w.weight(i).use(temp, weight -> ops.conv(h, weight, stride, padding));
  }

  /** The gradient of a convolution's input, which was shaped like {@code input}. */
  NDArray convBackward(
      TokenOps ops, BlockWeights w, int i, NDArray g, NDArray input, int stride, int padding) {
    long[] s = input.getShape().getShape();
    return w.weight(i)
        .use(temp, weight -> ops.convBackward(g, weight, s[1], s[2], stride, padding));
  }
}
