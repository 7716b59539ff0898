package io.github.tuneqdm.models;

import io.github.tuneqdm.nn.ModelBuilder;
import io.github.tuneqdm.nn.ScaleLayout;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.Compute;
import java.util.Optional;

/**
 * What a network is, by its config.json and the names and shapes of its tensors, without loading
 * them.
 *
 * @param type its class in diffusers or transformers
 * @param parameters numbers in its tensors
 * @param tunable the scales of a UNet's layers; empty for other networks
 */
public record ModelOutline(String type, long parameters, Optional<ScaleLayout> tunable) {

  /** Checks every tensor's name and shape; errors as when the network is loaded. */
  public static ModelOutline of(Compute compute, ModelConfig config, TensorSource weights) {
    String type =
        config.string(
            "_class_name",
            config.json().path("architectures").path(0).asText(config.string("model_type", "")));
    try (ModelBuilder builder =
        ModelBuilder.outline(compute, weights, type + " of " + config.where())) {
      ScaleLayout layout = null;
      switch (type) {
        case "UNet2DConditionModel", "UNet2DModel" ->
            layout = new UNet(UNetConfig.from(config), builder).scaleLayout();
        case "AutoencoderKL" -> new AutoencoderKL(config, builder);
        case "CLIPTextModel" -> new ClipTextModel(config, builder);
        case "CLIPModel" -> new ClipModel(config, builder);
        case "ViTModel", "Dinov2Model" -> new DinoVisionTransformer(config, builder);
        default -> throw config.bad("the network", "'" + type + "' is not one that is known here");
      }
      return new ModelOutline(type, builder.parameterCount(), Optional.ofNullable(layout));
    }
  }
}
