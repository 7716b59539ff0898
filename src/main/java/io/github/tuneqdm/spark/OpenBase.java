package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.Models;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.quant.QuantizedBase;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.storage.StorageProblem;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tuning.TuningMethod;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;

/** Opens the UNet of a quantised base. */
final class OpenBase {
  private static final int LARGEST_MANIFEST = 64 << 20;

  private OpenBase() {}

  /** How the configuration wants it to lie in memory; nothing where that is left to what fits. */
  static Optional<MemoryMode> wanted(TuneQdmConfig config) {
    return config.deviceMemory().equals("auto")
        ? Optional.empty()
        : Optional.of(MemoryMode.valueOf(config.deviceMemory().toUpperCase(Locale.ROOT)));
  }

  /** The float UNet that the configured method begins from. */
  static UNet floatUnet(
      Compute compute, TuneQdmConfig config, TaskEnvironment environment, String quantizedBase) {
    if (Recipe.method(config).base() == TuningMethod.Base.FLOAT) {
      PipelineFolder model = new PipelineFolder(environment.local(config.modelBase()));
      return Models.unet(compute, model.unet());
    }
    Path folder = environment.local(quantizedBase);
    try (QuantizedBase base = QuantizedBase.open(folder)) {
      return Models.unet(
          compute,
          ModelConfig.parse(base.unetConfig(), folder + "/manifest.json"),
          TunableUNet.dequantised(base.layerNames(), base::layer, base.floats()),
          folder.toString());
    }
  }

  /**
   * Hash of the UNet's tensors that a base was made of.
   *
   * @param folder of the base, on any storage
   */
  static String source(String folder, Configuration hadoop) {
    org.apache.hadoop.fs.Path file = new org.apache.hadoop.fs.Path(folder, "manifest.json");
    FileSystem fs = Publisher.fileSystem(file, hadoop);
    try (InputStream in = fs.open(file)) {
      return QuantizedBase.source(in.readNBytes(LARGEST_MANIFEST), file.toString());
    } catch (IOException e) {
      throw StorageProblem.environment("Cannot read " + file, e);
    }
  }

  /**
   * @param folder local folder of the base
   */
  static TunableUNet unet(Compute compute, Path folder, MemoryMode mode) {
    try (QuantizedBase base = QuantizedBase.open(folder)) {
      return TunableUNet.open(
          compute,
          ModelConfig.parse(base.unetConfig(), folder + "/manifest.json"),
          base.layerNames(),
          base::layer,
          base.floats(),
          mode);
    }
  }
}
