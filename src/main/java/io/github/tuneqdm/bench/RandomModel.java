package io.github.tuneqdm.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tuneqdm.models.AutoencoderKL;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.models.UNetConfig;
import io.github.tuneqdm.nn.ModelBuilder;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.tensor.Compute;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.function.BiFunction;

/**
 * A latent diffusion model of a real one's shape with {@link RandomTensors random} weights; no file
 * is read.
 *
 * @param textLength L, tokens of a prompt
 * @param latentSide of the square latent
 * @param trainTeraFlop of a sample's forward and backward pass to its scales, or 0 where nobody
 *     counted; multiply-adds count twice
 * @param forwardTeraFlop of a sample's forward pass, or 0
 */
public record RandomModel(
    ModelConfig unet,
    ModelConfig vae,
    JsonNode scheduler,
    int textLength,
    int latentSide,
    double trainTeraFlop,
    double forwardTeraFlop) {

  /** Stable Diffusion 1.4 at 512 pixels: 860 million weights. */
  public static RandomModel sd14() {
    return new RandomModel(
        resource("sd14/unet.json"),
        resource("sd14/vae.json"),
        resource("sd14/scheduler.json").json(),
        77,
        64,
        1.75,
        0.803);
  }

  private static ModelConfig resource(String name) {
    try (InputStream in = RandomModel.class.getResourceAsStream(name)) {
      return ModelConfig.parse(new String(in.readAllBytes(), StandardCharsets.UTF_8), name);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The UNet over a quantised base. */
  public TunableUNet tunableUnet(Compute compute, QuantizerSettings settings) {
    RandomTensors tensors = tensors(compute, unet, (c, b) -> new UNet(UNetConfig.from(c), b));
    return TunableUNet.open(
        compute, unet, tensors.layerNames(), name -> tensors.layer(name, settings), tensors);
  }

  public AutoencoderKL autoencoder(Compute compute) {
    RandomTensors tensors = tensors(compute, vae, AutoencoderKL::new);
    return new AutoencoderKL(vae, ModelBuilder.plain(compute, tensors, "random VAE"));
  }

  private static RandomTensors tensors(
      Compute compute,
      ModelConfig config,
      BiFunction<ModelConfig, ModelBuilder, AutoCloseable> constructor) {
    try (ModelBuilder sketch = ModelBuilder.sketch(compute)) {
      constructor.apply(config, sketch);
      return new RandomTensors(sketch.shapes());
    }
  }
}
