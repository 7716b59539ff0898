package io.github.tuneqdm.models;

import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.nn.ModelBuilder;
import io.github.tuneqdm.nn.QuantizedSource;
import io.github.tuneqdm.storage.ModelWeights;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.Compute;
import java.nio.file.Path;
import java.util.function.BiFunction;

/** Opens networks from folders with a config.json and safetensors, as HuggingFace lays them out. */
public final class Models {
  private Models() {}

  /** A UNet as stored, without scales. */
  public static UNet unet(Compute compute, Path folder) {
    return open(compute, folder, "UNet", (c, b) -> new UNet(UNetConfig.from(c), b));
  }

  /**
   * A UNet without scales from tensors of any origin.
   *
   * @param where names them in messages
   */
  public static UNet unet(Compute compute, ModelConfig config, TensorSource weights, String where) {
    return ModelBuilder.plain(compute, weights, "UNet in " + where)
        .build(builder -> new UNet(UNetConfig.from(config), builder));
  }

  /** A UNet without weights: it runs with those that a pass brings along. */
  public static UNet unetWithoutWeights(Compute compute, ModelConfig config) {
    return new UNet(UNetConfig.from(config), ModelBuilder.sketch(compute));
  }

  /**
   * A UNet whose Linear and Conv2d layers take per-sample scales.
   *
   * @param weights holds the frozen W0 of those layers, and everything else
   */
  public static UNet tunableUnet(
      Compute compute, ModelConfig config, QuantizedSource weights, MemoryMode mode) {
    String what = "UNet of " + config.where();
    ModelBuilder open =
        mode == MemoryMode.PACKED
            ? ModelBuilder.packed(compute, weights, what)
            : ModelBuilder.tunable(compute, weights, what);
    return open.build(builder -> new UNet(UNetConfig.from(config), builder));
  }

  public static AutoencoderKL vae(Compute compute, Path folder) {
    return open(compute, folder, "VAE", AutoencoderKL::new);
  }

  public static ClipTextModel textEncoder(Compute compute, Path folder) {
    return open(compute, folder, "text encoder", ClipTextModel::new);
  }

  public static ClipModel clip(Compute compute, Path folder) {
    return open(compute, folder, "CLIP model", ClipModel::new);
  }

  public static DinoVisionTransformer dino(Compute compute, Path folder) {
    return open(compute, folder, "DINO model", DinoVisionTransformer::new);
  }

  private static <M> M open(
      Compute compute,
      Path folder,
      String what,
      BiFunction<ModelConfig, ModelBuilder, M> constructor) {
    ModelConfig config = ModelConfig.read(folder.resolve("config.json"));
    try (TensorSource weights = ModelWeights.open(folder)) {
      return ModelBuilder.plain(compute, weights, what + " in " + folder)
          .build(builder -> constructor.apply(config, builder));
    }
  }
}
