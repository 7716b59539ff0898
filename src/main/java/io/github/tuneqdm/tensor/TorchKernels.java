package io.github.tuneqdm.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;

/**
 * The network's operations, each one call into TorchScript that this project writes itself ({@code
 * kernels.torchscript}). Results belong to the manager of their first tensor operand. Dimensions: B
 * samples, C channels, H x W pixels, L tokens, D features, P scales.
 */
public final class TorchKernels implements AutoCloseable {
  private final TorchScriptModule module;
  private final int narrowestHead;

  private TorchKernels(TorchScriptModule module, int narrowestHead) {
    this.module = module;
    this.narrowestHead = narrowestHead;
  }

  static TorchKernels load(NDManager manager) {
    return new TorchKernels(
        TorchScriptModule.load(manager, "Kernels", "kernels.torchscript"),
        manager.getDevice().isGpu() ? 1 : Processor.narrowestHead());
  }

  /** {@code y = r * (W0 (d * x)) + b}; x (B, L, C_in) or (B, C_in). */
  public NDArray linear(NDArray x, BlockWeights w, ScaleRows s) {
    return tensor("linear", x, x, w.tensors(), s.of(w), w.sizes());
  }

  /** Convolution with zero padding; x (B, C_in, H, W). */
  public NDArray conv2d(NDArray x, BlockWeights w, ScaleRows s, int stride, int padding) {
    return tensor("conv2d", x, x, w.tensors(), s.of(w), w.sizes(), stride, padding);
  }

  /** Sinusoidal embedding of t (B,) as (B, dim) float32; diffusers' get_timestep_embedding. */
  public NDArray timestepEmbedding(NDArray t, int dim, boolean flipSinToCos, double shift) {
    return tensor("timestep_embedding", t, t, dim, flipSinToCos, shift);
  }

  /** Linear, SiLU, Linear; x (B, D). */
  public NDArray timeMlp(NDArray x, BlockWeights w, ScaleRows s) {
    return tensor("time_mlp", x, x, w.tensors(), s.of(w), w.sizes());
  }

  /**
   * ResnetBlock2D; x (B, C, H, W).
   *
   * @param activatedTime SiLU of the time embedding (B, D), or an empty tensor
   */
  public NDArray resnet(
      NDArray x, NDArray activatedTime, BlockWeights w, ScaleRows s, int groups, double eps) {
    return tensor("resnet", x, x, activatedTime, w.tensors(), s.of(w), w.sizes(), groups, eps);
  }

  /** Transformer2DModel with cross-attention; x (B, C, H, W), context (B, L, D). */
  public NDArray transformer(
      NDArray x,
      NDArray context,
      BlockWeights w,
      ScaleRows s,
      int groups,
      int heads,
      boolean linearProjection) {
    return tensor(
        "transformer",
        x,
        x,
        context,
        w.tensors(),
        s.of(w),
        w.sizes(),
        groups,
        heads,
        narrowestHead,
        linearProjection);
  }

  /** Self-attention over pixels with residual; x (B, C, H, W). */
  public NDArray attentionBlock(
      NDArray x, BlockWeights w, ScaleRows s, int groups, int heads, double eps) {
    return tensor("attention_block", x, x, w.tensors(), s.of(w), w.sizes(), groups, heads, eps);
  }

  /** Stride-2 convolution; padding 0 pads one row and column after the image, as diffusers does. */
  public NDArray downsample(NDArray x, BlockWeights w, ScaleRows s, int padding) {
    return tensor("downsample", x, x, w.tensors(), s.of(w), w.sizes(), padding);
  }

  /** Nearest-neighbour resize to height x width, then a 3x3 convolution. */
  public NDArray upsample(NDArray x, BlockWeights w, ScaleRows s, long height, long width) {
    return tensor("upsample", x, x, w.tensors(), s.of(w), w.sizes(), height, width);
  }

  /** GroupNorm; x (B, C, H, W); {@code w} holds one norm and no layer. */
  public NDArray groupNorm(NDArray x, BlockWeights w, int groups, double eps) {
    return tensor("group_norm", x, x, w.tensors(), groups, eps);
  }

  /** SiLU, then a 3x3 convolution; x (B, C, H, W). */
  public NDArray actConv(NDArray x, BlockWeights w, ScaleRows s) {
    return tensor("act_conv", x, x, w.tensors(), s.of(w), w.sizes());
  }

  public NDArray silu(NDArray x) {
    return tensor("silu", x, x);
  }

  /** (B, C1, H, W) and (B, C2, H, W) to (B, C1 + C2, H, W). */
  public NDArray concatChannels(NDArray a, NDArray b) {
    return tensor("concat_channels", a, a, b);
  }

  /** LayerNorm over the last dimension; {@code w} holds one norm and no layer. */
  public NDArray layerNorm(NDArray x, BlockWeights w, double eps) {
    return tensor("layer_norm", x, x, w.tensors(), eps);
  }

  /**
   * A pre-norm transformer layer; x (B, L, D).
   *
   * @param mask added to the attention logits (L, L), or none
   * @param layerScale DINOv2's two (D,) factors, or none
   */
  public NDArray encoderLayer(
      NDArray x,
      NDArray[] mask,
      BlockWeights w,
      NDArray[] layerScale,
      int heads,
      double eps,
      boolean quickGelu) {
    return tensor("encoder_layer", x, x, mask, w.tensors(), layerScale, heads, eps, quickGelu);
  }

  /** Rows of table (V, D) at ids (...) int64 as (..., D). */
  public NDArray embedding(NDArray ids, NDArray table) {
    return tensor("embedding", ids, table, ids);
  }

  /** (L, L) in the type of {@code like}: 0 on and below the diagonal, minus infinity above. */
  public NDArray causalMask(NDArray like, int length) {
    return tensor("causal_mask", like, like, length);
  }

  /**
   * Position embeddings (1 + grid^2, D), class token first, for an h x w grid as (1, 1 + h w, D);
   * resized bicubically where the grid differs. Belongs to the manager of {@code owner}.
   */
  public NDArray patchPositions(NDArray owner, NDArray positions, int grid, long h, long w) {
    return tensor("patch_positions", owner, positions, grid, h, w);
  }

  /** Patches (B, 3, H, W), puts the class token before them, adds positions: (B, 1 + h w, D). */
  public NDArray embedPatches(
      NDArray pixels, BlockWeights w, NDArray classToken, NDArray positions, int patch) {
    return tensor("embed_patches", pixels, pixels, w.tensors(), classToken, positions, patch);
  }

  /** {@code x} in the type of {@code like}. */
  public NDArray castLike(NDArray x, NDArray like) {
    return tensor("cast_like", x, x, like);
  }

  /**
   * Each sample's scale row: theta (S, N * P) at rows (B,) of its S * N, divided by unit (P,), plus
   * origin, as (B, P). Belongs to the manager of {@code rows}.
   */
  public NDArray gatherScales(NDArray rows, NDArray theta, NDArray unit, double origin) {
    return tensor("gather_scales", rows, theta, rows, unit, origin);
  }

  /** Contiguous, detached copies of x (B, P) cut at {@code sizes}. */
  public List<NDArray> splitColumns(NDArray x, long[] sizes) {
    return module.tensors("split_columns", x.getManager(), x, sizes);
  }

  /**
   * The gradient of each sample's row of theta (B, P) float32, of the pieces' gradients, in the
   * manager of the first piece.
   */
  public NDArray joinGradients(List<NDArray> pieces, NDArray unit) {
    return tensor("join_gradients", pieces.get(0), pieces.toArray(NDArray[]::new), unit);
  }

  /** Adds gradients of theta's rows (B, P) into total (S, N * P). */
  public void addGradients(NDArray gradients, NDArray rows, NDArray total) {
    module.run("add_gradients", gradients, rows, total);
  }

  /**
   * Each weight (C_out, ...) plus {@code factor * B A}, in the manager of theta (1, K), which holds
   * A (rank, C_in kH kW) and B (C_out, rank) of each weight one after the other.
   */
  public List<NDArray> addLowRank(NDArray theta, List<NDArray> weights, int rank, double factor) {
    NDArray[] list = weights.toArray(NDArray[]::new);
    return module.tensors("add_low_rank", theta.getManager(), theta, list, rank, factor);
  }

  /** Each sample's weighted mean squared error (B,) float32, with its graph. */
  public NDArray weightedErrors(NDArray prediction, NDArray target, NDArray weights) {
    return tensor("weighted_errors", prediction, prediction, target, weights);
  }

  /** Each sample's loss scale (B,) from its subject's (S,); rows (B,) count subjects' experts. */
  public NDArray lossSeeds(NDArray rows, NDArray scale, int experts) {
    return tensor("loss_seeds", rows, scale, rows, experts);
  }

  /**
   * Divides each subject's gradient (S, K) by its loss scale (S,) in place, with zero for gradients
   * that overflowed, and adapts the scales.
   *
   * @param clean (S,) updates since the scale last changed or a gradient overflowed
   * @param patience so many clean updates double a scale
   */
  public void unscale(NDArray grad, NDArray scale, NDArray clean, int patience, double largest) {
    module.run("unscale", grad, scale, clean, patience, largest);
  }

  /**
   * One AdamW step in place for S subjects, each clipped by its own gradient norm; theta, grad, m
   * and v are (S, N * P) float32. Returns the norms before clipping (S,), in the manager of grad,
   * which is zero then.
   *
   * @param mask (P,), 0 at columns that stay as they are and 1 elsewhere; or none
   * @param each of S subjects, which may differ in learning rate, decay and clipping
   */
  public NDArray adamW(
      NDArray grad, NDArray theta, NDArray m, NDArray v, NDArray[] mask, List<AdamWStep> each) {
    AdamWStep step = each.get(0);
    double bias1 = 1 - Math.pow(step.beta1(), step.number());
    double bias2 = Math.sqrt(1 - Math.pow(step.beta2(), step.number()));
    if (each.stream().allMatch(step::equals)) {
      return tensor(
          "adamw",
          grad,
          theta,
          grad,
          m,
          v,
          mask,
          step.learningRate(),
          step.beta1(),
          step.beta2(),
          step.epsilon(),
          step.weightDecay(),
          step.maxGradNorm(),
          bias1,
          bias2);
    }
    try (NDManager scope = grad.getManager().newSubManager()) {
      NDArray constants = constants(scope, each, bias1); // (4, S)
      return tensor(
          "adamw_each",
          grad,
          theta,
          grad,
          m,
          v,
          mask,
          constants,
          step.beta1(),
          step.beta2(),
          step.epsilon(),
          bias2);
    }
  }

  /** Worked out in double, as the kernel for equal subjects does: the same bits come out. */
  private static NDArray constants(NDManager scope, List<AdamWStep> each, double bias1) {
    int count = each.size();
    float[] constants = new float[4 * count];
    for (int s = 0; s < count; s++) {
      AdamWStep step = each.get(s);
      double decay = step.learningRate() * step.weightDecay();
      constants[s] = (float) decay;
      constants[count + s] = (float) (1 - decay);
      constants[2 * count + s] = (float) -(step.learningRate() / bias1);
      constants[3 * count + s] =
          step.maxGradNorm() > 0 ? (float) step.maxGradNorm() : Float.POSITIVE_INFINITY;
    }
    return scope.create(constants, new Shape(4, count));
  }

  /**
   * The constants of one AdamW step.
   *
   * @param number counts from 1
   * @param maxGradNorm clips each subject's gradient to this norm; 0 leaves it
   */
  public record AdamWStep(
      int number,
      double learningRate,
      double beta1,
      double beta2,
      double epsilon,
      double weightDecay,
      double maxGradNorm) {}

  private NDArray tensor(String method, NDArray owner, Object... arguments) {
    return module.tensor(method, owner.getManager(), arguments);
  }

  @Override
  public void close() {
    module.close();
  }
}
