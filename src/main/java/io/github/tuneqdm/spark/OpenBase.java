package io.github.tuneqdm.spark;

import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.quant.QuantizedBase;
import io.github.tuneqdm.tensor.Compute;
import java.nio.file.Path;

/** Opens the UNet of a quantised base. */
final class OpenBase {
  private OpenBase() {}

  /**
   * @param folder local folder of the base
   */
  static TunableUNet unet(Compute compute, Path folder) {
    try (QuantizedBase base = QuantizedBase.open(folder)) {
      return TunableUNet.open(
          compute,
          ModelConfig.parse(base.unetConfig(), folder + "/manifest.json"),
          base.layerNames(),
          base::layer,
          base.floats());
    }
  }
}
