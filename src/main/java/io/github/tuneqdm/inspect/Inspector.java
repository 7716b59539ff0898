package io.github.tuneqdm.inspect;

import io.github.tuneqdm.error.TuneQdmException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Recognises what lies at a path by what it holds, not by its name. */
public final class Inspector {
  private Inspector() {}

  /**
   * Describes a model folder, a quantised base, a checkpoint or a run.
   *
   * @throws TuneQdmException (input data) where it is damaged or none of these
   */
  public static Description describe(Path path) {
    if (!Files.exists(path)) {
      throw TuneQdmException.inputData("Cannot inspect " + path + ": there is no such path");
    }
    if (Files.isRegularFile(path)) {
      return CheckpointFiles.describe(path);
    }
    if (Files.isRegularFile(path.resolve("plan.json"))) {
      return RunFolders.describe(path);
    }
    if (Files.isDirectory(path.resolve("layers.parquet"))
        || Files.isRegularFile(path.resolve("manifest.json"))) {
      return QuantizedBases.describe(path);
    }
    if (Files.isDirectory(path.resolve("unet"))
        || Files.isRegularFile(path.resolve("model_index.json"))
        || Files.isRegularFile(path.resolve("config.json"))) {
      return ModelFolders.describe(path);
    }
    if (Files.isRegularFile(path.resolve("deltas.safetensors"))) {
      return CheckpointFiles.describe(path.resolve("deltas.safetensors"));
    }
    throw TuneQdmException.inputData(
        "Cannot inspect "
            + path
            + ": it is no model folder (config.json or unet/), quantised base (manifest.json),"
            + " checkpoint (.safetensors or .pt) or run (plan.json)");
  }
}
