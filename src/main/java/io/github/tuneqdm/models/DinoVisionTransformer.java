package io.github.tuneqdm.models;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.nn.ModelBuilder;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.TorchKernels;

/**
 * DINO's self-supervised image encoder: transformers' {@code ViTModel} and {@code Dinov2Model}. The
 * class token tells identities apart.
 */
public final class DinoVisionTransformer implements AutoCloseable {
  private final ModelBuilder builder;
  private final TorchKernels kernels;
  private final PatchEmbedding patches;
  private final TransformerEncoder encoder;
  private final BlockWeights norm;
  private final double eps;

  /** Builds the network; {@code builder} belongs to it from now on. */
  public DinoVisionTransformer(ModelConfig c, ModelBuilder builder) {
    this.builder = builder;
    this.kernels = builder.compute().kernels();
    String type = c.string("model_type", "vit");
    boolean v2 = type.equals("dinov2");
    if (!v2 && !type.equals("vit")) {
      throw c.bad("model_type", "= " + type + " is not supported (vit or dinov2)");
    }
    c.requireAbsent("use_swiglu_ffn", false);
    c.requireAbsent("qkv_bias", true);
    int hidden =
        v2 ? (int) (c.size("hidden_size") * c.number("mlp_ratio", 4)) : c.size("intermediate_size");
    TransformerEncoder.Shape shape = TransformerEncoder.Shape.from(c, hidden);
    eps = shape.eps();
    patches =
        new PatchEmbedding(
            builder,
            new PatchEmbedding.Names(
                "embeddings.", "patch_embeddings.projection", "cls_token", "position_embeddings"),
            c);
    encoder =
        new TransformerEncoder(
            builder,
            "encoder.layer.",
            v2 ? TransformerEncoder.Names.DINOV2 : TransformerEncoder.Names.VIT,
            shape);
    norm = builder.block("").norm("layernorm", shape.width()).build();
  }

  /** The class token (B, D) of normalised pictures (B, 3, H, W). */
  public NDArray features(NDArray pixels) {
    return lastHiddenState(pixels, Tap.NONE).get(":, 0");
  }

  /** (B, 1 + patches, D) after the last norm. */
  public NDArray lastHiddenState(NDArray pixels, Tap tap) {
    NDArray x = patches.forward(pixels, tap);
    x = encoder.forward(x, new NDArray[0], tap);
    return kernels.layerNorm(x, norm, eps);
  }

  @Override
  public void close() {
    builder.close();
  }
}
