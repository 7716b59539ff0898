package io.github.tuneqdm.models;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.nn.ModelBuilder;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.ScaleRows;
import io.github.tuneqdm.tensor.TorchKernels;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Pictures to latents and back: diffusers' {@code AutoencoderKL}. Dimensions: B samples, H x W
 * pixels, h x w latent pixels (H / 2^(levels - 1)), Z latent channels.
 */
public final class AutoencoderKL implements AutoCloseable {
  private static final double EPS = 1e-6;

  /** A Gaussian over latents: mean and standard deviation, each (B, Z, h, w), unscaled. */
  public record Posterior(NDArray mean, NDArray logVariance) {
    public NDArray std() {
      return logVariance.mul(0.5).exp();
    }
  }

  private record Level(String name, List<BlockWeights> resnets, BlockWeights sampler) {}

  private record Mid(BlockWeights first, BlockWeights attention, BlockWeights second) {}

  private final ModelBuilder builder;
  private final TorchKernels kernels;
  private final int groups;
  private final int latentChannels;
  private final double scalingFactor;

  private final BlockWeights encoderIn;
  private final List<Level> encoderLevels = new ArrayList<>();
  private final Mid encoderMid;
  private final BlockWeights encoderNorm;
  private final BlockWeights encoderOut;
  private final BlockWeights quantConv;
  private final BlockWeights postQuantConv;
  private final BlockWeights decoderIn;
  private final Mid decoderMid;
  private final List<Level> decoderLevels = new ArrayList<>();
  private final BlockWeights decoderNorm;
  private final BlockWeights decoderOut;

  /** Builds the network; {@code builder} belongs to it from now on. */
  public AutoencoderKL(ModelConfig c, ModelBuilder builder) {
    c.requireAbsent("act_fn", "silu");
    this.builder = builder;
    this.kernels = builder.compute().kernels();
    this.groups = c.size("norm_num_groups", 32);
    this.latentChannels = c.size("latent_channels", 4);
    this.scalingFactor = c.number("scaling_factor", 0.18215);
    if (c.number("shift_factor", 0) != 0) {
      throw c.bad("shift_factor", "is not supported");
    }
    requireTypes(c, "down_block_types", "DownEncoderBlock2D");
    requireTypes(c, "up_block_types", "UpDecoderBlock2D");
    int layers = c.size("layers_per_block", 1);
    boolean attention = c.flag("mid_block_add_attention", true);
    List<Integer> channels = c.sizeList("block_out_channels");
    channels.forEach(width -> c.requireDivides("norm_num_groups", groups, width));
    int first = channels.get(0);
    int last = channels.get(channels.size() - 1);
    int moments = 2 * latentChannels;

    encoderIn = block("encoder.").conv("conv_in", first, c.size("in_channels", 3), 3).build();
    addLevels(
        encoderLevels, "encoder.down_blocks.", "downsamplers.0.conv", channels, first, layers);
    encoderMid = mid("encoder.mid_block.", last, attention);
    encoderNorm = block("encoder.").norm("conv_norm_out", last).build();
    encoderOut = block("encoder.").conv("conv_out", moments, last, 3).build();

    boolean quant = c.flag("use_quant_conv", true);
    boolean postQuant = c.flag("use_post_quant_conv", true);
    quantConv = quant ? block("").conv("quant_conv", moments, moments, 1).build() : null;
    postQuantConv =
        postQuant
            ? block("").conv("post_quant_conv", latentChannels, latentChannels, 1).build()
            : null;

    List<Integer> reversed = new ArrayList<>(channels);
    Collections.reverse(reversed);
    decoderIn = block("decoder.").conv("conv_in", last, latentChannels, 3).build();
    decoderMid = mid("decoder.mid_block.", last, attention);
    addLevels(decoderLevels, "decoder.up_blocks.", "upsamplers.0.conv", reversed, last, layers + 1);
    decoderNorm = block("decoder.").norm("conv_norm_out", first).build();
    decoderOut = block("decoder.").conv("conv_out", c.size("out_channels", 3), first, 3).build();
  }

  private static void requireTypes(ModelConfig c, String key, String type) {
    for (String name : c.strings(key)) {
      if (!name.equals(type)) {
        throw c.bad(key, "holds " + name + ", which is not supported");
      }
    }
  }

  private ModelBuilder.Block block(String prefix) {
    return builder.block(prefix);
  }

  private void addLevels(
      List<Level> levels, String prefix, String sampler, List<Integer> widths, int in, int layers) {
    int width = in;
    for (int i = 0; i < widths.size(); i++) {
      int out = widths.get(i);
      List<BlockWeights> resnets = new ArrayList<>();
      for (int j = 0; j < layers; j++) {
        resnets.add(resnet(prefix + i + ".resnets." + j + ".", j == 0 ? width : out, out));
      }
      BlockWeights resize =
          i < widths.size() - 1 ? block(prefix + i + ".").conv(sampler, out, out, 3).build() : null;
      levels.add(new Level(prefix + i, resnets, resize));
      width = out;
    }
  }

  private Mid mid(String prefix, int width, boolean attention) {
    return new Mid(
        resnet(prefix + "resnets.0.", width, width),
        attention
            ? block(prefix + "attentions.0.")
                .linear("to_q", width, width)
                .linear("to_k", width, width)
                .linear("to_v", width, width)
                .linear("to_out.0", width, width)
                .norm("group_norm", width)
                .build()
            : null,
        resnet(prefix + "resnets.1.", width, width));
  }

  private BlockWeights resnet(String prefix, int in, int out) {
    ModelBuilder.Block b = block(prefix).conv("conv1", out, in, 3).conv("conv2", out, out, 3);
    if (in != out) {
      b.conv("conv_shortcut", out, in, 1);
    }
    return b.norm("norm1", in).norm("norm2", out).build();
  }

  /** What latents are multiplied by before diffusion. */
  public double scalingFactor() {
    return scalingFactor;
  }

  public int latentChannels() {
    return latentChannels;
  }

  /** Pixels a latent pixel: 8 for Stable Diffusion. */
  public int downscale() {
    return 1 << (encoderLevels.size() - 1);
  }

  /** The posterior of pictures (B, 3, H, W) in [-1, 1]. */
  public Posterior encode(NDArray pictures) {
    return encode(pictures, Tap.NONE);
  }

  public Posterior encode(NDArray pictures, Tap tap) {
    NDArray x = kernels.castLike(pictures, builder.tensor("encoder.conv_in.weight"));
    x = kernels.conv2d(x, encoderIn, ScaleRows.NONE, 1, 1);
    for (Level level : encoderLevels) {
      x = resnets(level, x);
      if (level.sampler != null) {
        x = replace(x, kernels.downsample(x, level.sampler, ScaleRows.NONE, 0));
      }
      tap.show(level.name, x);
    }
    x = mid(encoderMid, x);
    tap.show("encoder.mid_block", x);
    x = replace(x, kernels.groupNorm(x, encoderNorm, groups, EPS));
    x = replace(x, kernels.actConv(x, encoderOut, ScaleRows.NONE)); // (B, 2 Z, h, w)
    tap.show("encoder.conv_out", x);
    if (quantConv != null) {
      x = replace(x, kernels.conv2d(x, quantConv, ScaleRows.NONE, 1, 0));
      tap.show("quant_conv", x);
    }
    NDArray mean = x.get(":, :" + latentChannels);
    NDArray logVariance = x.get(":, " + latentChannels + ":").clip(-30, 20);
    return new Posterior(mean, logVariance);
  }

  /** Pictures (B, 3, H, W), about in [-1, 1], of latents (B, Z, h, w) without scaling factor. */
  public NDArray decode(NDArray latents) {
    return decode(latents, Tap.NONE);
  }

  public NDArray decode(NDArray latents, Tap tap) {
    NDArray x = kernels.castLike(latents, builder.tensor("decoder.conv_in.weight"));
    if (postQuantConv != null) {
      x = kernels.conv2d(x, postQuantConv, ScaleRows.NONE, 1, 0);
      tap.show("post_quant_conv", x);
    }
    x = kernels.conv2d(x, decoderIn, ScaleRows.NONE, 1, 1);
    tap.show("decoder.conv_in", x);
    x = mid(decoderMid, x);
    tap.show("decoder.mid_block", x);
    for (Level level : decoderLevels) {
      x = resnets(level, x);
      if (level.sampler != null) {
        long[] size = x.getShape().getShape();
        x =
            replace(
                x, kernels.upsample(x, level.sampler, ScaleRows.NONE, 2 * size[2], 2 * size[3]));
      }
      tap.show(level.name, x);
    }
    x = replace(x, kernels.groupNorm(x, decoderNorm, groups, EPS));
    return replace(x, kernels.actConv(x, decoderOut, ScaleRows.NONE));
  }

  private NDArray resnets(Level level, NDArray x) {
    NDArray h = x;
    for (BlockWeights weights : level.resnets) {
      h = replace(h, resnet(weights, h));
    }
    return h;
  }

  private NDArray mid(Mid mid, NDArray x) {
    NDArray h = replace(x, resnet(mid.first, x));
    if (mid.attention != null) {
      h = replace(h, kernels.attentionBlock(h, mid.attention, ScaleRows.NONE, groups, 1, EPS));
    }
    return replace(h, resnet(mid.second, h));
  }

  private NDArray resnet(BlockWeights weights, NDArray x) {
    return kernels.resnet(x, builder.compute().empty(), weights, ScaleRows.NONE, groups, EPS);
  }

  private static NDArray replace(NDArray old, NDArray next) {
    old.close();
    return next;
  }

  @Override
  public void close() {
    builder.close();
  }
}
