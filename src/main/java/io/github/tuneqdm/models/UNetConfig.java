package io.github.tuneqdm.models;

import java.util.ArrayList;
import java.util.List;

/**
 * What a UNet's config.json says, for diffusers' {@code UNet2DConditionModel} (Stable Diffusion
 * 1.x, 2.x, XL) and {@code UNet2DModel} (DDPM).
 *
 * @param crossAttentionDims text feature size of each level; empty for an unconditional model
 * @param heads attention heads of each level
 * @param additionTimeDim SDXL's embedding size of each time id, or 0
 * @param additionInputDim SDXL's input size of add_embedding, or 0
 */
public record UNetConfig(
    int inChannels,
    int outChannels,
    boolean centerInputSample,
    boolean flipSinToCos,
    double freqShift,
    List<AttentionKind> downAttention,
    List<AttentionKind> upAttention,
    boolean midAttention,
    List<Integer> blockOutChannels,
    List<Integer> layersPerBlock,
    int downsamplePadding,
    int normGroups,
    double normEps,
    List<Integer> crossAttentionDims,
    List<Integer> transformerLayers,
    List<Integer> heads,
    boolean linearProjection,
    int additionTimeDim,
    int additionInputDim) {

  /** What follows each resnet of a level. */
  public enum AttentionKind {
    NONE,
    SELF,
    CROSS
  }

  public int levels() {
    return blockOutChannels.size();
  }

  public boolean conditional() {
    return !crossAttentionDims.isEmpty();
  }

  public static UNetConfig from(ModelConfig c) {
    String type = c.string("_class_name", "UNet2DConditionModel");
    UNetConfig config =
        switch (type) {
          case "UNet2DConditionModel" -> conditional(c);
          case "UNet2DModel" -> unconditional(c);
          default -> throw c.bad("_class_name", "= " + type + " is not a UNet that can be tuned");
        };
    config.requireDivisions(c);
    return config;
  }

  private void requireDivisions(ModelConfig c) {
    String headsKey = c.isSet("num_attention_heads") ? "num_attention_heads" : "attention_head_dim";
    for (int level = 0; level < levels(); level++) {
      int width = blockOutChannels.get(level);
      c.requireDivides("norm_num_groups", normGroups, width);
      boolean attends =
          downAttention.get(level) != AttentionKind.NONE
              || upAttention.get(levels() - 1 - level) != AttentionKind.NONE
              || midAttention && level == levels() - 1;
      if (attends) {
        c.requireDivides(headsKey, heads.get(level), width);
      }
    }
  }

  private static UNetConfig conditional(ModelConfig c) {
    refuseCommon(c);
    c.requireAbsent("mid_block_type", "UNetMidBlock2DCrossAttn");
    c.requireAbsent("only_cross_attention", false);
    c.requireAbsent("dual_cross_attention", false);
    c.requireAbsent("class_embed_type", null);
    c.requireAbsent("num_class_embeds", null);
    c.requireAbsent("encoder_hid_dim_type", null);
    c.requireAbsent("time_cond_proj_dim", null);
    c.requireAbsent("timestep_post_act", null);
    c.requireAbsent("conv_in_kernel", 3);
    c.requireAbsent("conv_out_kernel", 3);
    c.requireAbsent("reverse_transformer_layers_per_block", null);
    c.requireAbsent("attention_type", "default");
    List<Integer> channels = c.sizeList("block_out_channels");
    int levels = channels.size();
    String headsKey = c.isSet("num_attention_heads") ? "num_attention_heads" : "attention_head_dim";
    boolean textTime = c.isSet("addition_embed_type");
    if (textTime && !c.string("addition_embed_type", "").equals("text_time")) {
      throw c.bad(
          "addition_embed_type", "= " + c.string("addition_embed_type", "") + " is not supported");
    }
    return new UNetConfig(
        c.size("in_channels", 4),
        c.size("out_channels", 4),
        c.flag("center_input_sample", false),
        c.flag("flip_sin_to_cos", true),
        c.number("freq_shift", 0),
        kinds(
            c,
            "down_block_types",
            "DownBlock2D",
            "CrossAttnDownBlock2D",
            AttentionKind.CROSS,
            levels),
        kinds(c, "up_block_types", "UpBlock2D", "CrossAttnUpBlock2D", AttentionKind.CROSS, levels),
        true,
        channels,
        c.sizes("layers_per_block", levels, 2),
        c.isSet("downsample_padding") ? (int) c.number("downsample_padding", 1) : 1,
        c.size("norm_num_groups", 32),
        c.number("norm_eps", 1e-5),
        c.sizes("cross_attention_dim", levels, 1280),
        c.sizes("transformer_layers_per_block", levels, 1),
        c.sizes(headsKey, levels, 8),
        c.flag("use_linear_projection", false),
        textTime ? c.size("addition_time_embed_dim") : 0,
        textTime ? c.size("projection_class_embeddings_input_dim") : 0);
  }

  private static UNetConfig unconditional(ModelConfig c) {
    refuseCommon(c);
    c.requireAbsent("mid_block_type", "UNetMidBlock2D");
    c.requireAbsent("class_embed_type", null);
    c.requireAbsent("num_class_embeds", null);
    c.requireAbsent("downsample_type", "conv");
    c.requireAbsent("upsample_type", "conv");
    c.requireAbsent("attn_norm_num_groups", null);
    List<Integer> channels = c.sizeList("block_out_channels");
    int levels = channels.size();
    List<Integer> heads = new ArrayList<>();
    boolean oneHead = c.json().has("attention_head_dim") && !c.isSet("attention_head_dim");
    for (int width : channels) {
      heads.add(oneHead ? 1 : Math.max(1, width / c.size("attention_head_dim", 8)));
    }
    return new UNetConfig(
        c.size("in_channels", 3),
        c.size("out_channels", 3),
        c.flag("center_input_sample", false),
        c.flag("flip_sin_to_cos", true),
        c.number("freq_shift", 0),
        kinds(c, "down_block_types", "DownBlock2D", "AttnDownBlock2D", AttentionKind.SELF, levels),
        kinds(c, "up_block_types", "UpBlock2D", "AttnUpBlock2D", AttentionKind.SELF, levels),
        c.flag("add_attention", true),
        channels,
        c.sizes("layers_per_block", levels, 2),
        c.isSet("downsample_padding") ? (int) c.number("downsample_padding", 1) : 1,
        c.size("norm_num_groups", 32),
        c.number("norm_eps", 1e-5),
        List.of(),
        List.of(),
        heads,
        false,
        0,
        0);
  }

  private static void refuseCommon(ModelConfig c) {
    c.requireAbsent("act_fn", "silu");
    c.requireAbsent("resnet_time_scale_shift", "default");
    c.requireAbsent("time_embedding_type", "positional");
    c.requireAbsent("mid_block_scale_factor", 1);
    c.requireAbsent("dropout", 0.0);
  }

  private static List<AttentionKind> kinds(
      ModelConfig c, String key, String plain, String attending, AttentionKind kind, int levels) {
    List<AttentionKind> kinds = new ArrayList<>();
    for (String name : c.strings(key)) {
      if (!name.equals(plain) && !name.equals(attending)) {
        throw c.bad(key, "holds " + name + ", which is not supported");
      }
      kinds.add(name.equals(plain) ? AttentionKind.NONE : kind);
    }
    if (kinds.size() != levels) {
      throw c.bad(key, "has " + kinds.size() + " entries for " + levels + " block_out_channels");
    }
    return kinds;
  }
}
