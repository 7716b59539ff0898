package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.storage.Hashes;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/** What of a base model, beside the UNet, decides what training makes of a subject. */
final class BaseModel {
  private static final List<String> PARTS =
      List.of("scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "vae");

  private BaseModel() {}

  /** Hash of the names and contents of all files in these parts. */
  static String hash(String folder, Configuration hadoop) {
    Path local = LocalFolders.of(folder, hadoop);
    StringBuilder text = new StringBuilder();
    for (String part : PARTS) {
      if (Files.isDirectory(local.resolve(part))) {
        text.append(part).append(' ').append(Hashes.sha256OfFolder(local.resolve(part)));
        text.append('\n');
      }
    }
    return Hashes.sha256(text.toString());
  }

  /**
   * Refuses a model folder that is not whole, and a resolution that its VAE cannot halve as often
   * as it does, before any work is done.
   */
  static void check(TuneQdmConfig config, Configuration hadoop) {
    PipelineFolder model = new PipelineFolder(LocalFolders.of(config.modelBase(), hadoop));
    ModelConfig vae = ModelConfig.read(model.root().resolve("vae").resolve("config.json"));
    int factor = 1 << (vae.sizeList("block_out_channels").size() - 1);
    if (config.dataResolution() % factor != 0) {
      throw TuneQdmException.usage(
          "Cannot work at %d pixels: the VAE needs a multiple of %d (tuneqdm.data.resolution)"
              .formatted(config.dataResolution(), factor));
    }
  }
}
