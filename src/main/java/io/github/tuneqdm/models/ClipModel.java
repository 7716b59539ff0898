package io.github.tuneqdm.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import io.github.tuneqdm.nn.ModelBuilder;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.ScaleRows;
import io.github.tuneqdm.tensor.TorchKernels;
import java.util.List;

/**
 * Pictures and texts in one space: transformers' {@code CLIPModel}. Dimensions: B inputs, E
 * projection size.
 */
public final class ClipModel implements AutoCloseable {

  /**
   * @param lastHiddenState (B, 1 + patches, D), before the post norm
   * @param pooled class token after the post norm (B, D)
   * @param embeds projected, not normalised (B, E)
   */
  public record ImageOutput(NDArray lastHiddenState, NDArray pooled, NDArray embeds) {}

  /** {@code embeds} is projected, not normalised (B, E). */
  public record TextOutput(NDArray lastHiddenState, NDArray pooled, NDArray embeds) {}

  private final ModelBuilder builder;
  private final TorchKernels kernels;
  private final ClipTextModel text;
  private final PatchEmbedding patches;
  private final TransformerEncoder vision;
  private final BlockWeights preNorm;
  private final BlockWeights postNorm;
  private final BlockWeights visualProjection;
  private final BlockWeights textProjection;
  private final NDArray logitScale;
  private final double eps;

  /** Builds the network; {@code builder} belongs to it from now on. */
  public ClipModel(ModelConfig c, ModelBuilder builder) {
    this.builder = builder;
    this.kernels = builder.compute().kernels();
    ModelConfig v = c.object("vision_config");
    ModelConfig t = c.object("text_config");
    int embed = c.size("projection_dim", 512);
    TransformerEncoder.Shape shape = TransformerEncoder.Shape.from(v, v.size("intermediate_size"));
    eps = shape.eps();
    text = new ClipTextModel(t, builder);
    String p = "vision_model.";
    patches =
        new PatchEmbedding(
            builder,
            new PatchEmbedding.Names(
                p + "embeddings.",
                "patch_embedding",
                "class_embedding",
                "position_embedding.weight"),
            v);
    preNorm = builder.block(p).norm("pre_layrnorm", shape.width()).build();
    vision =
        new TransformerEncoder(
            builder, p + "encoder.layers.", TransformerEncoder.Names.CLIP, shape);
    postNorm = builder.block(p).norm("post_layernorm", shape.width()).build();
    visualProjection =
        builder.block("").linearWithoutBias("visual_projection", embed, shape.width()).build();
    textProjection =
        builder
            .block("")
            .linearWithoutBias("text_projection", embed, t.size("hidden_size"))
            .build();
    logitScale = builder.tensor("logit_scale");
  }

  /** Tokens that a text is padded or cut to. */
  public int textLength() {
    return text.length();
  }

  /** Natural logarithm of the factor on cosines in CLIP's own logits. */
  public float logitScale() {
    return logitScale.toType(DataType.FLOAT32, false).getFloat();
  }

  /** Embeds normalised pictures (B, 3, S, S). */
  public ImageOutput image(NDArray pixels) {
    NDArray x = kernels.layerNorm(patches.forward(pixels, Tap.NONE), preNorm, eps);
    x = vision.forward(x, new NDArray[0], Tap.NONE);
    NDArray pooled = kernels.layerNorm(x.get(":, 0"), postNorm, eps);
    return new ImageOutput(x, pooled, kernels.linear(pooled, visualProjection, ScaleRows.NONE));
  }

  /** Embeds texts given as padded token ids. */
  public TextOutput text(NDManager manager, List<int[]> ids) {
    ClipTextModel.Output out = text.forward(manager, ids);
    NDArray embeds = kernels.linear(out.pooled(), textProjection, ScaleRows.NONE);
    return new TextOutput(out.lastHiddenState(), out.pooled(), embeds);
  }

  @Override
  public void close() {
    builder.close();
  }
}
