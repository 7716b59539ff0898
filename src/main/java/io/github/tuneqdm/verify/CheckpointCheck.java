package io.github.tuneqdm.verify;

import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.tensor.Compute;

/** What the UNet with the scales of a reference checkpoint computes: four different experts. */
final class CheckpointCheck {
  private final Compute compute;
  private final GoldenFolder folder;

  CheckpointCheck(Compute compute, GoldenFolder folder) {
    this.compute = compute;
    this.folder = folder;
  }

  void check(GoldenFile g) {
    OfficialCheckpoint checkpoint =
        OfficialCheckpoint.read(folder, g.setting("checkpoint").asText());
    g.equal("n_bits", checkpoint.config().bits(), g.setting("n_bits").asInt());
    GoldenIndex index = GoldenIndex.read(folder, "tuneqdm/sd1.index.json");
    QuantisedUNet quantised = QuantisedUNet.of(folder, "sd_tiny/unet", checkpoint.quantizer());
    checkpoint.requireSameBase(g, quantised);
    try (TunableUNet network = quantised.open(compute);
        GoldenFile samples = folder.open("unet_sd1.safetensors")) {
      float[] scales = checkpoint.scales(network.layout()).rows();
      int experts = checkpoint.config().experts();
      new ScaleGradients(compute, network, index, experts, checkpoint.config().timesteps())
          .check(g, samples, scales, ScaleGradients.RowChoice.FIRST);
    }
  }
}
