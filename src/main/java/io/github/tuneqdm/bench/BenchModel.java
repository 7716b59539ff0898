package io.github.tuneqdm.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.models.AutoencoderKL;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.models.UNetConfig;
import io.github.tuneqdm.models.Workload;
import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.nn.ModelBuilder;
import io.github.tuneqdm.quant.QuantizedWeight;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.quant.WeightQuantizer;
import io.github.tuneqdm.storage.ModelWeights;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.Compute;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;

/**
 * The latent diffusion model to measure: one in a folder, or one of a real model's shape with
 * {@link RandomTensors random} weights, for which no file is read.
 *
 * @param name as reports call it
 * @param weights the folder; empty for random weights
 * @param textLength L, tokens of a prompt
 */
public record BenchModel(
    String name,
    Optional<PipelineFolder> weights,
    ModelConfig unet,
    ModelConfig vae,
    JsonNode scheduler,
    int textLength) {
  private static final String WEIGHT = ".weight";

  public BenchModel {
    UNetConfig config = UNetConfig.from(unet);
    if (!config.conditional() || config.additionInputDim() > 0) {
      throw TuneQdmException.inputData(
          "Cannot measure %s: its UNet is not one with a single text encoder (Stable Diffusion 1.x or 2.x)"
              .formatted(name));
    }
  }

  /** Stable Diffusion 1.4, 860 million weights in its UNet, with random ones. */
  public static BenchModel sd14() {
    return new BenchModel(
        "random sd14",
        Optional.empty(),
        resource("sd14/unet.json"),
        resource("sd14/vae.json"),
        resource("sd14/scheduler.json").json(),
        77);
  }

  /** The model in a folder of Stable Diffusion's layout. */
  public static BenchModel of(Path folder) {
    PipelineFolder base = new PipelineFolder(folder);
    return new BenchModel(
        folder.toString(),
        Optional.of(base),
        base.unetConfig(),
        ModelConfig.read(folder.resolve("vae/config.json")),
        base.schedulerConfig().json(),
        ModelConfig.read(folder.resolve("text_encoder/config.json"))
            .size("max_position_embeddings", 77));
  }

  /** A model of this shape with random weights. */
  public BenchModel withRandomWeights() {
    return new BenchModel(
        "random weights in the shape of " + name,
        Optional.empty(),
        unet,
        vae,
        scheduler,
        textLength);
  }

  static ModelConfig resource(String name) {
    try (InputStream in = BenchModel.class.getResourceAsStream(name)) {
      return ModelConfig.parse(new String(in.readAllBytes(), StandardCharsets.UTF_8), name);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The UNet over a quantised base. */
  TunableUNet tunableUnet(Compute compute, QuantizerSettings settings, MemoryMode mode) {
    if (weights.isEmpty()) {
      RandomTensors tensors = random(compute, unet, BenchModel::newUnet);
      return TunableUNet.open(
          compute,
          unet,
          tensors.layerNames(),
          name -> tensors.layer(name, settings),
          tensors,
          mode);
    }
    try (TensorSource tensors = unetTensors(compute)) {
      Map<String, QuantizedWeight> layers = new LinkedHashMap<>();
      for (String name : tensors.names()) {
        if (isLayer(name, tensors.shape(name))) {
          String layer = name.substring(0, name.length() - WEIGHT.length());
          float[] values = tensors.tensor(name).toFloats();
          layers.put(layer, WeightQuantizer.quantize(layer, values, tensors.shape(name), settings));
        }
      }
      return TunableUNet.open(compute, unet, layers.keySet(), layers::get, tensors, mode);
    }
  }

  /** All weights of the UNet, unquantised. */
  TensorSource unetTensors(Compute compute) {
    return weights.isPresent()
        ? ModelWeights.open(weights.get().unet())
        : random(compute, unet, BenchModel::newUnet);
  }

  /** Whether a tensor is the weight of a Linear or Conv2d layer. */
  static boolean isLayer(String name, long[] shape) {
    return shape.length > 1 && name.endsWith(WEIGHT);
  }

  AutoencoderKL autoencoder(Compute compute) {
    if (weights.isPresent()) {
      return weights.get().vae(compute);
    }
    return open(compute, vae, AutoencoderKL::new);
  }

  /** A network of this shape with random weights. */
  static <M extends AutoCloseable> M open(
      Compute compute, ModelConfig config, BiFunction<ModelConfig, ModelBuilder, M> constructor) {
    RandomTensors tensors = random(compute, config, constructor);
    return ModelBuilder.plain(compute, tensors, "random model")
        .build(builder -> constructor.apply(config, builder));
  }

  static UNet newUnet(ModelConfig config, ModelBuilder builder) {
    return new UNet(UNetConfig.from(config), builder);
  }

  private static RandomTensors random(
      Compute compute,
      ModelConfig config,
      BiFunction<ModelConfig, ModelBuilder, ? extends AutoCloseable> constructor) {
    return new RandomTensors(shapes(compute, config, constructor));
  }

  private static Map<String, long[]> shapes(
      Compute compute,
      ModelConfig config,
      BiFunction<ModelConfig, ModelBuilder, ? extends AutoCloseable> constructor) {
    try (ModelBuilder sketch = ModelBuilder.sketch(compute)) {
      constructor.apply(config, sketch);
      return sketch.shapes();
    }
  }

  /** Pixels a latent pixel. */
  int downscale() {
    return 1 << (vae.sizeList("block_out_channels").size() - 1);
  }

  /** Side of the pictures that the model was made for. */
  int size() {
    return unet.size("sample_size", 64) * downscale();
  }

  /** Arithmetic of the UNet on one latent of pictures with {@code size} pixels a side. */
  Workload unetWorkload(Compute compute, int size) {
    int levels = UNetConfig.from(unet).levels();
    return Workload.of(
        shapes(compute, unet, BenchModel::newUnet), levels, size / downscale(), textLength);
  }

  /** Arithmetic of the VAE's decoder on one picture. */
  Workload decoderWorkload(Compute compute, int size) {
    int levels = vae.sizeList("block_out_channels").size();
    return Workload.of(shapes(compute, vae, AutoencoderKL::new), levels, size, 0);
  }
}
