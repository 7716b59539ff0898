package io.github.tuneqdm.nn.tokens;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tuneqdm.nn.UNetBlocks;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.TokenOps;
import java.util.List;
import java.util.function.Consumer;

/**
 * Blocks in channels-last form with backward passes of their own: activations are (B, H, W, C), the
 * time embedding (B, 1, D). One object serves one pass.
 */
public final class TokenBlocks implements UNetBlocks {
  private final Compute compute;
  private final TokenOps ops;
  private final Tape tape;

  private NDArray last;

  /**
   * @param scope owns all activations
   * @param scales each sample's (B, P) float32, or an empty tensor for a network without
   * @param gradients (B, P) float32 that {@link #backward} overwrites, or null: nothing is kept
   * @param recompute whether to keep nothing but the blocks' inputs
   */
  public TokenBlocks(
      Compute compute, NDManager scope, NDArray scales, NDArray gradients, boolean recompute) {
    this.compute = compute;
    this.ops = compute.tokenOps().in(scope);
    this.tape = new Tape(scope, ops, scales, gradients, recompute);
  }

  /**
   * Each sample's weighted mean squared error (B,) float32, in the scope; the gradients of all
   * scales are then complete.
   *
   * @param prediction the result of the pass (B, C, H, W)
   * @param seeds (B,) multiply the losses for the gradient
   */
  public NDArray backward(NDArray prediction, NDArray target, NDArray weights, NDArray seeds) {
    List<NDArray> error = ops.meanSquaredError(prediction, target, weights, seeds);
    NDArray g = ops.tokens(error.get(1));
    error.get(1).close();
    tape.backward(last, g);
    return error.get(0);
  }

  @Override
  public NDArray enter(NDArray sample) {
    NDArray typed = compute.kernels().castLike(sample, compute.empty());
    return ops.tokens(typed);
  }

  @Override
  public NDArray leave(NDArray x) {
    last = x;
    return ops.pixels(x);
  }

  @Override
  public NDArray timeMlp(NDArray t, BlockWeights w) {
    return tape.run(new TimeTokens(w), ops.like(t, compute.empty(), t.getShape().get(0), 1, -1));
  }

  @Override
  public NDArray silu(NDArray x) {
    return tape.run(new SiluTokens(), x);
  }

  @Override
  public NDArray add(NDArray a, NDArray b) {
    return tape.run(new AddTokens(), a, b);
  }

  @Override
  public NDArray conv(NDArray x, BlockWeights w) {
    return tape.run(new ConvTokens(w, 1, 1), x);
  }

  @Override
  public NDArray resnet(NDArray x, NDArray time, BlockWeights w, int groups, double eps) {
    return tape.run(new ResnetTokens(w, groups, eps), x, time);
  }

  @Override
  public NDArray transformer(
      NDArray x, NDArray context, BlockWeights w, int groups, int heads, boolean linearProjection) {
    // Linear or 1x1 convolution is all one in this layout.
    return tape.run(new TransformerTokens(w, groups, heads), x, context);
  }

  @Override
  public NDArray attention(NDArray x, BlockWeights w, int groups, int heads, double eps) {
    return tape.run(new SelfAttentionTokens(w, groups, heads, eps), x);
  }

  @Override
  public NDArray downsample(NDArray x, BlockWeights w, int padding) {
    return tape.run(new ConvTokens(w, 2, padding), x);
  }

  @Override
  public NDArray upsample(NDArray x, BlockWeights w, NDArray size) {
    long[] s = size.getShape().getShape();
    return tape.run(new UpsampleTokens(w, s[1], s[2]), x);
  }

  @Override
  public NDArray concat(NDArray a, NDArray b) {
    return tape.run(new ConcatTokens(), a, b);
  }

  /** {@code afterNorm} sees nothing: normalisation and activation are one step here. */
  @Override
  public NDArray output(
      NDArray x,
      BlockWeights norm,
      BlockWeights conv,
      int groups,
      double eps,
      Consumer<NDArray> afterNorm) {
    return tape.run(new OutputTokens(norm, conv, groups, eps), x);
  }

  @Override
  public void release(NDArray x) {
    tape.release(x);
  }
}
