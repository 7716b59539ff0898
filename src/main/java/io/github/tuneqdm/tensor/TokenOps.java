package io.github.tuneqdm.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.Arrays;
import java.util.List;

/**
 * The steps of a network block in channels-last form, each with its backward pass: activations are
 * (B, L, C) or (B, H, W, C), contiguous, and results have the shape of what they come from. On
 * GPUs, {@link FusedOps} puts one kernel in the place of each element-wise step. All results belong
 * to the manager that {@link #in} chose.
 *
 * <p>Dimensions: B samples, L tokens, C channels, G groups. {@link Columns} arguments are each
 * sample's scales; {@code to} (B, P) float32 receives their gradients, sums over L, at the same
 * columns.
 */
public class TokenOps {
  private final TorchScriptModule module;
  private final Precision precision;
  private final NDManager owner;

  TokenOps(TorchScriptModule module, Precision precision, NDManager owner) {
    this.module = module;
    this.precision = precision;
    this.owner = owner;
  }

  static TorchScriptModule loadModule(NDManager manager) {
    return TorchScriptModule.load(manager, "TokenOps", "token_ops.torchscript");
  }

  /** The same steps with results in {@code manager}. */
  public TokenOps in(NDManager manager) {
    return new TokenOps(module, precision, manager);
  }

  final Precision precision() {
    return precision;
  }

  protected final TorchScriptModule module() {
    return module;
  }

  public final NDManager owner() {
    return owner;
  }

  // --- Element-wise steps, which FusedOps replaces.

  /** {@code d * x}. */
  public NDArray scale(NDArray x, Columns d) {
    return tensor("scale", x, d.rows(), d.from());
  }

  /**
   * {@code d * g (+ add)}; the sum of {@code g * x} goes to {@code to}, at the columns of d. Also
   * the backward pass of {@link #affine}.
   *
   * @param add null or another gradient of the same tensor
   */
  public NDArray scaleBackward(NDArray g, NDArray x, Columns d, NDArray to, NDArray add) {
    return tensor("scale_backward", g, x, d.rows(), d.from(), to, optional(add));
  }

  /**
   * {@code r * v + bias (+ add)}.
   *
   * @param bias (C,) or empty
   * @param add null or a tensor shaped like v
   */
  public NDArray affine(NDArray v, Columns r, NDArray bias, NDArray add) {
    return tensor("affine", v, r.rows(), r.from(), bias, optional(add));
  }

  /**
   * What GroupNorm normalises: {@code r * x + shift}.
   *
   * @param shift (B, C) float32, or null for zeros
   */
  public record Shifted(NDArray x, Columns r, NDArray shift) {}

  /**
   * GroupNorm's parameters and the act that follows.
   *
   * @param weight (C,)
   * @param bias (C,)
   * @param silu whether SiLU follows
   */
  public record GroupNorm(NDArray weight, NDArray bias, int groups, double eps, boolean silu) {}

  /** Mean and inverse standard deviation of each group (B, 2, G) float32. */
  public NDArray groupStats(Shifted in, GroupNorm norm) {
    return tensor(
        "group_stats",
        in.x(),
        in.r().rows(),
        in.r().from(),
        optional(in.shift()),
        norm.groups(),
        norm.eps());
  }

  /** {@code d * act(GroupNorm(r * x + shift))}. */
  public NDArray groupNorm(Shifted in, NDArray stats, GroupNorm norm, Columns d) {
    return tensor(
        "group_norm",
        in.x(),
        in.r().rows(),
        in.r().from(),
        optional(in.shift()),
        stats,
        norm.weight(),
        norm.bias(),
        norm.silu(),
        d.from());
  }

  /**
   * The gradient of x {@code (+ add)}, then that of the shift (B, C) float32.
   *
   * @param to the rows that take the gradients of r and d, at their own columns
   */
  public List<NDArray> groupNormBackward(
      NDArray g, Shifted in, NDArray stats, GroupNorm norm, Columns d, NDArray to, NDArray add) {
    return tensors(
        "group_norm_backward",
        g,
        in.x(),
        in.r().rows(),
        in.r().from(),
        optional(in.shift()),
        stats,
        norm.weight(),
        norm.bias(),
        norm.silu(),
        d.from(),
        to,
        optional(add));
  }

  /**
   * LayerNorm's statistics (B, L, 2) float32, then {@code d_i * LayerNorm(x)} for each i.
   *
   * @param d the first column of each d_i in {@code scales}
   */
  public List<NDArray> layerNorm(
      NDArray x, NDArray weight, NDArray bias, double eps, NDArray scales, int... d) {
    return tensors("layer_norm", x, weight, bias, eps, scales, longs(d));
  }

  /** The gradient of x {@code + add}; {@code g} holds one gradient for each d_i. */
  public NDArray layerNormBackward(
      List<NDArray> g,
      NDArray x,
      NDArray stats,
      NDArray weight,
      NDArray bias,
      NDArray scales,
      int[] d,
      NDArray to,
      NDArray add) {
    return tensor(
        "layer_norm_backward",
        g.toArray(NDArray[]::new),
        x,
        stats,
        weight,
        bias,
        scales,
        longs(d),
        to,
        optional(add));
  }

  /**
   * {@code d * a * gelu(b)} with {@code (a | b) = r * v + bias}; v (B, L, 2 F), result (B, L, F).
   */
  public NDArray geglu(NDArray v, Columns r, NDArray bias, Columns d) {
    return tensor("geglu", v, r.rows(), r.from(), bias, d.from());
  }

  /** The gradient of v, whose memory it may take. */
  public NDArray gegluBackward(
      NDArray g, NDArray v, Columns r, NDArray bias, Columns d, NDArray to) {
    return tensor("geglu_backward", g, v, r.rows(), r.from(), bias, d.from(), to);
  }

  /** The weight that packed integers stand for, a convolution's channels last. */
  public NDArray unpack(FrozenWeight.Packed w) {
    NDArray out =
        tensor(
            "unpack",
            w.codes(),
            w.bits(),
            w.scale(),
            w.zeroPoint(),
            w.stored(),
            precision.torchType());
    return w.ofConvolution() ? channelsFirst(out) : out;
  }

  /** (O, kH, kW, I) seen as (O, I, kH, kW). */
  final NDArray channelsFirst(NDArray weight) {
    NDArray seen = tensor("channels_first", weight);
    weight.close();
    return seen;
  }

  // --- Steps that libtorch does best.

  public final NDArray silu(NDArray x) {
    return tensor("silu", x);
  }

  public final NDArray siluBackward(NDArray g, NDArray x) {
    return tensor("silu_backward", g, x);
  }

  /** {@code W x}; x (..., C_in), weight (C_out, C_in) or of a 1x1 convolution. */
  public final NDArray matmul(NDArray x, NDArray weight) {
    return tensor("matmul", x, weight);
  }

  public final NDArray matmulBackward(NDArray g, NDArray weight) {
    return tensor("matmul_backward", g, weight);
  }

  /**
   * Convolution of x (B, H, W, C); padding 0 at stride 2 pads after the image, as diffusers does.
   */
  public final NDArray conv(NDArray x, NDArray weight, int stride, int padding) {
    return tensor("conv", x, weight, stride, padding);
  }

  /** The gradient of x (B, height, width, C). */
  public final NDArray convBackward(
      NDArray g, NDArray weight, long height, long width, int stride, int padding) {
    return tensor("conv_backward", g, weight, height, width, stride, padding);
  }

  /** Nearest-neighbour resize of x (B, H, W, C). */
  public final NDArray upsample(NDArray x, long height, long width) {
    return tensor("upsample", x, height, width);
  }

  public final NDArray upsampleBackward(NDArray g, long height, long width) {
    return tensor("upsample_backward", g, height, width);
  }

  /**
   * What attention leaves.
   *
   * @param operands what {@link #attendBackward} needs
   * @param out shaped like q
   */
  public record Attended(List<NDArray> operands, NDArray out) {}

  /** Attention of q (B, L, D) to k and v (B, M, D). */
  public final Attended attend(NDArray q, NDArray k, NDArray v, int heads, boolean forBackward) {
    return Compute.withGradients(
        forBackward,
        () -> {
          List<NDArray> operands = tensors("attend", q, k, v, heads);
          return new Attended(operands, tensor("joined_like", operands.get(3), q));
        });
  }

  /** The gradients of q, k and v, shaped like these. */
  public final List<NDArray> attendBackward(
      List<NDArray> operands, NDArray g, NDArray q, NDArray k, NDArray v) {
    NDArray[] models = {q, k, v};
    return Compute.withGradients(
        true, () -> tensors("attend_backward", operands.toArray(NDArray[]::new), g, models));
  }

  /** Joins the last dimension. */
  public final NDArray concat(NDArray a, NDArray b) {
    return tensor("concat", a, b);
  }

  /** A contiguous part of the last dimension. */
  public final NDArray slice(NDArray x, long start, long length) {
    return tensor("slice_last", x, start, length);
  }

  /** A contiguous part of the first dimension. */
  public final NDArray rows(NDArray x, long start, long length) {
    return tensor("slice_first", x, start, length);
  }

  /** (B, C, H, W) to (B, H, W, C). */
  public final NDArray tokens(NDArray x) {
    return tensor("tokens", x);
  }

  /** (B, H, W, C) to (B, C, H, W). */
  public final NDArray pixels(NDArray x) {
    return tensor("pixels", x);
  }

  /** {@code bias + t} for t (B, 1, C), as (B, C) float32. */
  public final NDArray shift(NDArray bias, NDArray t) {
    return tensor("shift", bias, t);
  }

  /** The same numbers in another shape, and in the type of {@code model}; may share memory. */
  public final NDArray like(NDArray x, NDArray model, long... shape) {
    return tensor("like", x, shape, model);
  }

  public final NDArray add(NDArray a, NDArray b) {
    return tensor("add", a, b);
  }

  /**
   * Each sample's weighted mean squared error (B,) float32, then the gradient of the prediction.
   *
   * @param seeds (B,) multiply the losses for the gradient
   */
  public final List<NDArray> meanSquaredError(
      NDArray prediction, NDArray target, NDArray weights, NDArray seeds) {
    return tensors("mean_squared_error", prediction, target, weights, seeds);
  }

  /** A convolution's weight, as it is best beside channels-last activations. */
  public final NDArray channelsLast(NDArray weight) {
    return tensor("channels_last", weight);
  }

  /** Copies the numbers of {@code from} into {@code to}. */
  final void copy(NDArray from, NDArray to) {
    module.run("copy", from, to);
  }

  /** A copy with memory of its own. */
  public final NDArray clone(NDArray x) {
    return tensor("clone", x);
  }

  /** An unset tensor like x, but for its last dimension. */
  protected final NDArray emptyLike(NDArray x, long channels) {
    return tensor("empty_like", x, channels);
  }

  protected final NDArray tensor(String method, Object... arguments) {
    return module.tensor(method, owner, arguments);
  }

  protected final List<NDArray> tensors(String method, Object... arguments) {
    return module.tensors(method, owner, arguments);
  }

  private static NDArray[] optional(NDArray x) {
    return x == null ? new NDArray[0] : new NDArray[] {x};
  }

  private static long[] longs(int[] values) {
    return Arrays.stream(values).asLongStream().toArray();
  }
}
