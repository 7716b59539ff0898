package io.github.tuneqdm.models;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.models.UNetConfig.AttentionKind;
import io.github.tuneqdm.nn.ModelBuilder;
import io.github.tuneqdm.nn.ScaleLayout;
import io.github.tuneqdm.nn.TorchBlocks;
import io.github.tuneqdm.nn.UNetBlocks;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.ScaleRows;
import io.github.tuneqdm.tensor.TokenOps;
import io.github.tuneqdm.tensor.TorchKernels;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * The denoiser: diffusers' {@code UNet2DConditionModel} and {@code UNet2DModel}. Dimensions: B
 * samples, C latent channels, H x W, L text tokens, D text features, P scales of a block.
 *
 * <p>With {@link ModelBuilder#tunable tunable} weights every Linear and Conv2d takes each sample's
 * own scales, so one batch may mix subjects and timesteps.
 */
public final class UNet implements AutoCloseable {

  /**
   * @param sample noisy latents (B, C, H, W)
   * @param timesteps (B,) int64 or float32
   * @param context text states (B, L, D); ignored by unconditional models
   * @param textEmbeds SDXL's pooled text (B, E), or null
   * @param timeIds SDXL's sizes and crops (B, 6), or null
   */
  public record Input(
      NDArray sample, NDArray timesteps, NDArray context, NDArray textEmbeds, NDArray timeIds) {

    public Input(NDArray sample, NDArray timesteps, NDArray context) {
      this(sample, timesteps, context, null, null);
    }

    /** Copies of some samples' inputs, in the manager of {@code ops}. */
    public Input rows(TokenOps ops, int from, int count) {
      UnaryOperator<NDArray> cut = x -> x == null ? null : ops.rows(x, from, count);
      return new Input(
          cut.apply(sample),
          cut.apply(timesteps),
          cut.apply(context),
          cut.apply(textEmbeds),
          cut.apply(timeIds));
    }
  }

  private record Attention(AttentionKind kind, BlockWeights weights, int heads) {}

  private record Level(
      String name, List<BlockWeights> resnets, List<Attention> attentions, BlockWeights sampler) {}

  private final UNetConfig config;
  private final ModelBuilder builder;
  private final TorchKernels kernels;

  private final BlockWeights convIn;
  private final BlockWeights timeEmbedding;
  private final BlockWeights addEmbedding;
  private final List<Level> downBlocks = new ArrayList<>();
  private final List<Level> upBlocks = new ArrayList<>();
  private final Level midBlock;
  private final BlockWeights convNormOut;
  private final BlockWeights convOut;

  /** Builds the network; {@code builder} belongs to it from now on. */
  public UNet(UNetConfig config, ModelBuilder builder) {
    this.config = config;
    this.builder = builder;
    this.kernels = builder.compute().kernels();
    if (builder.compute().cuda().isPresent()) {
      builder.layOutChannelsLast();
    }
    List<Integer> channels = config.blockOutChannels();
    int first = channels.get(0);
    int last = channels.get(config.levels() - 1);
    int time = 4 * first;

    // The order is that of diffusers' named_modules: down, up, mid.
    convIn = builder.block("").conv("conv_in", first, config.inChannels(), 3).build();
    timeEmbedding =
        builder
            .block("time_embedding.")
            .linear("linear_1", time, first)
            .linear("linear_2", time, time)
            .build();
    addEmbedding =
        config.additionInputDim() == 0
            ? null
            : builder
                .block("add_embedding.")
                .linear("linear_1", time, config.additionInputDim())
                .linear("linear_2", time, time)
                .build();

    int in = first;
    for (int i = 0; i < config.levels(); i++) {
      int out = channels.get(i);
      List<Integer> inputs = new ArrayList<>();
      for (int j = 0; j < config.layersPerBlock().get(i); j++) {
        inputs.add(j == 0 ? in : out);
      }
      String sampler = i < config.levels() - 1 ? "downsamplers.0.conv" : null;
      downBlocks.add(
          level("down_blocks." + i, config.downAttention().get(i), i, inputs, out, time, sampler));
      in = out;
    }

    int previous = last;
    for (int u = 0; u < config.levels(); u++) {
      int i = config.levels() - 1 - u; // the down level of the same resolution
      int out = channels.get(i);
      int below = channels.get(Math.max(i - 1, 0));
      int layers = config.layersPerBlock().get(i) + 1;
      List<Integer> inputs = new ArrayList<>();
      for (int j = 0; j < layers; j++) {
        inputs.add((j == 0 ? previous : out) + (j == layers - 1 ? below : out)); // with the skip
      }
      String sampler = u < config.levels() - 1 ? "upsamplers.0.conv" : null;
      upBlocks.add(
          level("up_blocks." + u, config.upAttention().get(u), i, inputs, out, time, sampler));
      previous = out;
    }

    AttentionKind mid =
        config.conditional()
            ? AttentionKind.CROSS
            : config.midAttention() ? AttentionKind.SELF : AttentionKind.NONE;
    List<Attention> midAttention = new ArrayList<>();
    if (mid != AttentionKind.NONE) {
      midAttention.add(attention("mid_block.attentions.0.", mid, config.levels() - 1, last));
    }
    midBlock =
        new Level(
            "mid_block",
            List.of(
                resnet("mid_block.resnets.0.", last, last, time),
                resnet("mid_block.resnets.1.", last, last, time)),
            midAttention,
            null);

    convNormOut = builder.block("").norm("conv_norm_out", first).build();
    convOut = builder.block("").conv("conv_out", config.outChannels(), first, 3).build();
  }

  private Level level(
      String name,
      AttentionKind kind,
      int index,
      List<Integer> inputs,
      int out,
      int time,
      String sampler) {
    List<Attention> attentions = new ArrayList<>();
    for (int j = 0; kind != AttentionKind.NONE && j < inputs.size(); j++) {
      attentions.add(attention(name + ".attentions." + j + ".", kind, index, out));
    }
    List<BlockWeights> resnets = new ArrayList<>();
    for (int j = 0; j < inputs.size(); j++) {
      resnets.add(resnet(name + ".resnets." + j + ".", inputs.get(j), out, time));
    }
    BlockWeights resize =
        sampler == null ? null : builder.block(name + ".").conv(sampler, out, out, 3).build();
    return new Level(name, resnets, attentions, resize);
  }

  private BlockWeights resnet(String prefix, int in, int out, int time) {
    ModelBuilder.Block block =
        builder
            .block(prefix)
            .conv("conv1", out, in, 3)
            .linear("time_emb_proj", out, time)
            .conv("conv2", out, out, 3);
    if (in != out) {
      block.conv("conv_shortcut", out, in, 1);
    }
    return block.norm("norm1", in).norm("norm2", out).build();
  }

  private Attention attention(String prefix, AttentionKind kind, int index, int width) {
    int heads = config.heads().get(index);
    ModelBuilder.Block block = builder.block(prefix);
    if (kind == AttentionKind.SELF) {
      block
          .linear("to_q", width, width)
          .linear("to_k", width, width)
          .linear("to_v", width, width)
          .linear("to_out.0", width, width)
          .norm("group_norm", width);
      return new Attention(kind, block.build(), heads);
    }
    int text = config.crossAttentionDims().get(index);
    projection(block, "proj_in", width);
    block.norm("norm", width);
    for (int j = 0; j < config.transformerLayers().get(index); j++) {
      String t = "transformer_blocks." + j + ".";
      block
          .linearWithoutBias(t + "attn1.to_q", width, width)
          .linearWithoutBias(t + "attn1.to_k", width, width)
          .linearWithoutBias(t + "attn1.to_v", width, width)
          .linear(t + "attn1.to_out.0", width, width)
          .linearWithoutBias(t + "attn2.to_q", width, width)
          .linearWithoutBias(t + "attn2.to_k", width, text)
          .linearWithoutBias(t + "attn2.to_v", width, text)
          .linear(t + "attn2.to_out.0", width, width)
          .linear(t + "ff.net.0.proj", 8 * width, width)
          .linear(t + "ff.net.2", width, 4 * width)
          .norm(t + "norm1", width)
          .norm(t + "norm2", width)
          .norm(t + "norm3", width);
    }
    projection(block, "proj_out", width);
    return new Attention(kind, block.build(), heads);
  }

  private void projection(ModelBuilder.Block block, String name, int width) {
    if (config.linearProjection()) {
      block.linear(name, width, width);
    } else {
      block.conv(name, width, width, 1);
    }
  }

  public UNetConfig config() {
    return config;
  }

  /** Where each layer's scales stand in the rows that {@link #forward} takes. */
  public ScaleLayout scaleLayout() {
    return builder.scaleLayout();
  }

  /** Loaded tensors by name, for gradients of a float model. */
  public Map<String, NDArray> parameters() {
    return builder.parameters();
  }

  /** The shapes of all its tensors by name, whether they are loaded or not. */
  public Map<String, long[]> shapes() {
    return builder.shapes();
  }

  /** The prediction (B, C, H, W), in the manager of {@code input.sample()}. */
  public NDArray forward(Input input, ScaleRows scales) {
    return forward(input, scales, Tap.NONE);
  }

  /** As {@link #forward(Input, ScaleRows)}, showing {@code tap} the result of each named module. */
  public NDArray forward(Input input, ScaleRows scales, Tap tap) {
    return forward(input, new TorchBlocks(builder.compute(), scales), tap);
  }

  /** As {@link #forward(Input, ScaleRows)}, with blocks computed by {@code blocks}. */
  public NDArray forward(Input input, UNetBlocks blocks) {
    return forward(input, blocks, Tap.NONE);
  }

  private NDArray forward(Input input, UNetBlocks blocks, Tap tap) {
    // 1. time
    NDArray time = timeEmbedding(input, blocks, tap);

    // 2. pre-process
    NDArray x = blocks.enter(input.sample());
    if (config.centerInputSample()) {
      x = x.mul(2).sub(1);
    }
    x = blocks.conv(x, convIn);
    tap.show("conv_in", x);

    // 3. down; the outputs stay as skips
    Deque<NDArray> skips = new ArrayDeque<>();
    skips.push(x);
    for (Level level : downBlocks) {
      for (int j = 0; j < level.resnets.size(); j++) {
        x = resnetAndAttention(level, j, x, time, input.context(), blocks, tap);
        skips.push(x);
      }
      if (level.sampler != null) {
        x = blocks.downsample(x, level.sampler, config.downsamplePadding());
        skips.push(x);
      }
      tap.show(level.name, x);
    }

    // 4. mid
    NDArray h = resnet(midBlock.resnets.get(0), x, time, blocks);
    if (!midBlock.attentions.isEmpty()) {
      h = next(blocks, h, attend(midBlock.attentions.get(0), h, input.context(), blocks));
    }
    h = next(blocks, h, resnet(midBlock.resnets.get(1), h, time, blocks));
    tap.show("mid_block", h);

    // 5. up
    for (Level level : upBlocks) {
      for (int j = 0; j < level.resnets.size(); j++) {
        NDArray skip = skips.pop();
        h = next(blocks, h, blocks.concat(h, skip));
        blocks.release(skip);
        h = next(blocks, h, resnetAndAttention(level, j, h, time, input.context(), blocks, tap));
      }
      if (level.sampler != null) {
        h = next(blocks, h, blocks.upsample(h, level.sampler, skips.peek()));
      }
      tap.show(level.name, h);
    }

    // 6. post-process
    NDArray out =
        blocks.output(
            h,
            convNormOut,
            convOut,
            config.normGroups(),
            config.normEps(),
            normed -> tap.show("conv_norm_out", normed));
    h = next(blocks, h, out);
    return blocks.leave(h);
  }

  /** SiLU of the time embedding (B, 4 C_0), as every resnet takes it. */
  private NDArray timeEmbedding(Input input, UNetBlocks blocks, Tap tap) {
    NDArray t =
        kernels.timestepEmbedding(
            input.timesteps(),
            config.blockOutChannels().get(0),
            config.flipSinToCos(),
            config.freqShift());
    NDArray time = blocks.timeMlp(t, timeEmbedding);
    tap.show("time_embedding", time);
    if (addEmbedding != null) {
      long batch = input.timeIds().getShape().get(0);
      NDArray ids =
          kernels
              .timestepEmbedding(
                  input.timeIds().flatten(),
                  config.additionTimeDim(),
                  config.flipSinToCos(),
                  config.freqShift())
              .reshape(batch, -1); // (B, 6 * E)
      NDArray added = blocks.timeMlp(input.textEmbeds().concat(ids, 1), addEmbedding);
      tap.show("add_embedding", added);
      time = blocks.add(time, added);
    }
    return blocks.silu(time);
  }

  private NDArray resnetAndAttention(
      Level level, int j, NDArray x, NDArray time, NDArray context, UNetBlocks blocks, Tap tap) {
    NDArray h = resnet(level.resnets.get(j), x, time, blocks);
    tap.show(level.name + ".resnets." + j, h);
    if (!level.attentions.isEmpty()) {
      h = next(blocks, h, attend(level.attentions.get(j), h, context, blocks));
      tap.show(level.name + ".attentions." + j, h);
    }
    return h;
  }

  private NDArray resnet(BlockWeights weights, NDArray x, NDArray time, UNetBlocks blocks) {
    return blocks.resnet(x, time, weights, config.normGroups(), config.normEps());
  }

  private NDArray attend(Attention a, NDArray x, NDArray context, UNetBlocks blocks) {
    return a.kind == AttentionKind.SELF
        ? blocks.attention(x, a.weights, config.normGroups(), a.heads, config.normEps())
        : blocks.transformer(
            x, context, a.weights, config.normGroups(), a.heads, config.linearProjection());
  }

  private static NDArray next(UNetBlocks blocks, NDArray old, NDArray next) {
    blocks.release(old);
    return next;
  }

  @Override
  public void close() {
    builder.close();
  }
}
