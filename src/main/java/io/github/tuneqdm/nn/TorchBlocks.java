package io.github.tuneqdm.nn;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.ScaleRows;
import io.github.tuneqdm.tensor.TorchKernels;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** A block a call of TorchScript; activations are (B, C, H, W), and autograd sees every step. */
public final class TorchBlocks implements UNetBlocks {
  private final TorchKernels kernels;
  private final NDArray empty;
  private final ScaleRows scales;
  private final UnaryOperator<BlockWeights> weights;

  public TorchBlocks(Compute compute, ScaleRows scales) {
    this(compute, scales, UnaryOperator.identity());
  }

  /** Without scales, but with other weights than the network's own. */
  public TorchBlocks(Compute compute, ReplacedWeights weights) {
    this(compute, ScaleRows.NONE, weights);
  }

  private TorchBlocks(Compute compute, ScaleRows scales, UnaryOperator<BlockWeights> weights) {
    this.kernels = compute.kernels();
    this.empty = compute.empty();
    this.scales = scales;
    this.weights = weights;
  }

  @Override
  public NDArray enter(NDArray sample) {
    return kernels.castLike(sample, empty);
  }

  @Override
  public NDArray leave(NDArray x) {
    return x;
  }

  @Override
  public NDArray timeMlp(NDArray t, BlockWeights w) {
    return kernels.timeMlp(t, weights.apply(w), scales);
  }

  @Override
  public NDArray silu(NDArray x) {
    return kernels.silu(x);
  }

  @Override
  public NDArray add(NDArray a, NDArray b) {
    return a.add(b);
  }

  @Override
  public NDArray conv(NDArray x, BlockWeights w) {
    return kernels.conv2d(x, weights.apply(w), scales, 1, 1);
  }

  @Override
  public NDArray resnet(NDArray x, NDArray time, BlockWeights w, int groups, double eps) {
    return kernels.resnet(x, time, weights.apply(w), scales, groups, eps);
  }

  @Override
  public NDArray transformer(
      NDArray x, NDArray context, BlockWeights w, int groups, int heads, boolean linearProjection) {
    return kernels.transformer(
        x, context, weights.apply(w), scales, groups, heads, linearProjection);
  }

  @Override
  public NDArray attention(NDArray x, BlockWeights w, int groups, int heads, double eps) {
    return kernels.attentionBlock(x, weights.apply(w), scales, groups, heads, eps);
  }

  @Override
  public NDArray downsample(NDArray x, BlockWeights w, int padding) {
    return kernels.downsample(x, weights.apply(w), scales, padding);
  }

  @Override
  public NDArray upsample(NDArray x, BlockWeights w, NDArray size) {
    return kernels.upsample(
        x, weights.apply(w), scales, size.getShape().get(2), size.getShape().get(3));
  }

  @Override
  public NDArray concat(NDArray a, NDArray b) {
    return kernels.concatChannels(a, b);
  }

  @Override
  public NDArray output(
      NDArray x,
      BlockWeights norm,
      BlockWeights conv,
      int groups,
      double eps,
      Consumer<NDArray> afterNorm) {
    NDArray h = kernels.groupNorm(x, weights.apply(norm), groups, eps);
    afterNorm.accept(h);
    NDArray y = kernels.actConv(h, weights.apply(conv), scales);
    h.close();
    return y;
  }

  @Override
  public void release(NDArray x) {
    x.close();
  }
}
