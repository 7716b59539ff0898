package io.github.tuneqdm.models;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.nn.ModelBuilder;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.TorchKernels;
import java.util.ArrayList;
import java.util.List;

/**
 * The stack of pre-norm layers that CLIP's towers, ViT and DINOv2 share; (B, L, D) to (B, L, D).
 */
final class TransformerEncoder {

  /**
   * Where a family keeps a layer's tensors, relative to {@code <layers>.<i>.}
   *
   * @param scale1 DINOv2's layer scale of the attention branch, or null
   */
  enum Names {
    CLIP(
        "self_attn.q_proj",
        "self_attn.k_proj",
        "self_attn.v_proj",
        "self_attn.out_proj",
        "mlp.fc1",
        "mlp.fc2",
        "layer_norm1",
        "layer_norm2",
        false),
    VIT(
        "attention.attention.query",
        "attention.attention.key",
        "attention.attention.value",
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
        "layernorm_before",
        "layernorm_after",
        false),
    DINOV2(
        "attention.attention.query",
        "attention.attention.key",
        "attention.attention.value",
        "attention.output.dense",
        "mlp.fc1",
        "mlp.fc2",
        "norm1",
        "norm2",
        true);

    private final String query;
    private final String key;
    private final String value;
    private final String out;
    private final String fc1;
    private final String fc2;
    private final String norm1;
    private final String norm2;
    private final boolean layerScale;

    Names(
        String query,
        String key,
        String value,
        String out,
        String fc1,
        String fc2,
        String norm1,
        String norm2,
        boolean layerScale) {
      this.query = query;
      this.key = key;
      this.value = value;
      this.out = out;
      this.fc1 = fc1;
      this.fc2 = fc2;
      this.norm1 = norm1;
      this.norm2 = norm2;
      this.layerScale = layerScale;
    }
  }

  /** Sizes of one encoder. */
  record Shape(int layers, int width, int hidden, int heads, double eps, boolean quickGelu) {
    static Shape from(ModelConfig c, int hidden) {
      String activation = c.string("hidden_act", "gelu");
      if (!activation.equals("gelu") && !activation.equals("quick_gelu")) {
        throw c.bad("hidden_act", "= " + activation + " is not supported");
      }
      int width = c.size("hidden_size");
      int heads = c.size("num_attention_heads");
      if (width % heads != 0) {
        throw c.bad("num_attention_heads", "= " + heads + " does not divide " + width);
      }
      return new Shape(
          c.size("num_hidden_layers"),
          width,
          hidden,
          heads,
          c.number("layer_norm_eps", 1e-5),
          activation.equals("quick_gelu"));
    }
  }

  private final Shape shape;
  private final TorchKernels kernels;
  private final List<BlockWeights> layers = new ArrayList<>();
  private final List<NDArray[]> layerScales = new ArrayList<>();

  TransformerEncoder(ModelBuilder builder, String prefix, Names names, Shape shape) {
    this.shape = shape;
    this.kernels = builder.compute().kernels();
    int d = shape.width;
    for (int i = 0; i < shape.layers; i++) {
      String layer = prefix + i + ".";
      layers.add(
          builder
              .block(layer)
              .linear(names.query, d, d)
              .linear(names.key, d, d)
              .linear(names.value, d, d)
              .linear(names.out, d, d)
              .linear(names.fc1, shape.hidden, d)
              .linear(names.fc2, d, shape.hidden)
              .norm(names.norm1, d)
              .norm(names.norm2, d)
              .build());
      layerScales.add(
          names.layerScale
              ? new NDArray[] {
                builder.tensor(layer + "layer_scale1.lambda1", d),
                builder.tensor(layer + "layer_scale2.lambda1", d)
              }
              : new NDArray[0]);
    }
  }

  /**
   * @param mask (L, L) added to attention logits, or none
   */
  NDArray forward(NDArray x, NDArray[] mask, Tap tap) {
    NDArray h = x;
    for (int i = 0; i < layers.size(); i++) {
      NDArray next =
          kernels.encoderLayer(
              h, mask, layers.get(i), layerScales.get(i), shape.heads, shape.eps, shape.quickGelu);
      if (i > 0) {
        h.close();
      }
      h = next;
      tap.show("hidden_states." + (i + 1), h);
    }
    return h;
  }
}
