package io.github.tuneqdm.verify;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.quant.PackedTensor;
import io.github.tuneqdm.quant.QuantizedWeight;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.tensor.Compute;

/** Quantised UNets: integers and scales, then what they compute and their scales' gradients. */
final class QuantiserCheck {
  private static final String PACKED = "weight_int_packed";
  private static final String PLAIN = "weight_int";

  private final Compute compute;
  private final GoldenFolder folder;

  QuantiserCheck(Compute compute, GoldenFolder folder) {
    this.compute = compute;
    this.folder = folder;
  }

  /** One quantiser setting of the SD 1.x UNet: {@code tuneqdm/sd1_n<bits>_<sym|asym>}. */
  void settings(GoldenFile g) {
    QuantizerSettings settings = QuantisedUNet.settings(g);
    GoldenIndex index = GoldenIndex.read(folder, "tuneqdm/sd1.index.json");
    QuantisedUNet quantised = QuantisedUNet.of(folder, "sd_tiny/unet", settings);
    index.requireSame(g, quantised.layers());
    integers(g, index, quantised, settings);
    gradients(g, index, quantised, "unet_sd1.safetensors", ScaleGradients.RowChoice.BY_TIMESTEP);
  }

  /** The 4-bit run of another UNet: {@code unet_<model>_tq4}. */
  void wholeNetwork(GoldenFile g) {
    String unet = g.name().replaceFirst("_tq\\d+\\.safetensors$", "");
    GoldenIndex index = GoldenIndex.read(folder, unet + "_tq.index.json");
    QuantisedUNet quantised = QuantisedUNet.of(folder, unet, QuantisedUNet.settings(g));
    index.requireSame(g, quantised.layers());
    gradients(g, index, quantised, unet + ".safetensors", ScaleGradients.RowChoice.SECOND);
  }

  private void gradients(
      GoldenFile g,
      GoldenIndex index,
      QuantisedUNet quantised,
      String inputs,
      ScaleGradients.RowChoice row) {
    int experts = g.setting("num_experts").asInt();
    int timesteps = g.setting("total_denoising_steps").asInt();
    try (TunableUNet network = quantised.open(compute);
        GoldenFile samples = folder.open(inputs)) {
      float[] start = ScaleGradients.repeat(network.initialRow(), experts);
      new ScaleGradients(compute, network, index, experts, timesteps).check(g, samples, start, row);
    }
  }

  private static void integers(
      GoldenFile g, GoldenIndex index, QuantisedUNet quantised, QuantizerSettings settings) {
    byte[] codes = new byte[index.weights()];
    float[] scales = new float[index.outs()];
    float[] zeros = new float[index.outs()];
    index
        .layers()
        .forEach(
            (name, at) -> {
              QuantizedWeight layer = quantised.layers().get(name);
              System.arraycopy(layer.codes(), 0, codes, at.weight(), layer.codes().length);
              System.arraycopy(layer.scale(), 0, scales, at.out(), layer.scale().length);
              System.arraycopy(layer.zeroPoint(), 0, zeros, at.out(), layer.scale().length);
            });
    if (g.has(PACKED)) {
      g.equal(PACKED, PackedTensor.pack(codes, settings.bits()).bytes(), g.bytes(PACKED));
    } else {
      g.equal(PLAIN, codes, g.bytes(PLAIN));
    }
    JsonNode hash = g.info().get("sha256_weight_int_int8");
    if (hash != null) {
      g.equal("hash of the integers", Hashes.sha256(codes), hash.asText());
    }
    g.withinOneUlp("delta_out", scales);
    if (settings.symmetric()) {
      g.equal("zero-points", zeros, new float[zeros.length]);
    } else {
      g.equal("zero_point", zeros);
    }
  }
}
