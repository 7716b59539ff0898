package io.github.tuneqdm.storage;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Finds the weights of one model folder, as diffusers and transformers lay them out. */
public final class ModelWeights {
  private static final String INDEX_SUFFIX = ".index.json";
  private static final List<String> FILE_NAMES =
      List.of(
          "diffusion_pytorch_model.safetensors",
          "diffusion_pytorch_model.safetensors" + INDEX_SUFFIX,
          "model.safetensors",
          "model.safetensors" + INDEX_SUFFIX);

  private ModelWeights() {}

  /**
   * Opens the weights of a model folder: {@code diffusion_pytorch_model} before {@code model}, one
   * file before shards.
   *
   * @throws TuneQdmException (input data) where the folder or its weights are absent or malformed
   */
  public static TensorSource open(Path modelDir) {
    Path file = find(modelDir);
    return isIndex(file) ? ShardedSafetensors.open(file) : SafetensorsFile.open(file);
  }

  /**
   * The files that hold the weights' bytes: one file, or the shards sorted by name.
   *
   * @throws TuneQdmException (input data) where the folder or its weights are absent
   */
  public static List<Path> files(Path modelDir) {
    Path file = find(modelDir);
    return isIndex(file) ? ShardedSafetensors.shardPaths(file) : List.of(file);
  }

  private static Path find(Path modelDir) {
    if (!Files.isDirectory(modelDir)) {
      throw TuneQdmException.inputData(
          "Cannot read the model folder %s: there is no such folder".formatted(modelDir));
    }
    Optional<Path> found =
        FILE_NAMES.stream().map(modelDir::resolve).filter(Files::isRegularFile).findFirst();
    return found.orElseThrow(
        () ->
            TuneQdmException.inputData(
                "Cannot read the model folder %s: it has none of %s%s"
                    .formatted(modelDir, String.join(", ", FILE_NAMES), hint(modelDir))));
  }

  private static String hint(Path modelDir) {
    try (Stream<Path> files = Files.list(modelDir)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".bin") || name.endsWith(".safetensors"))
          .sorted()
          .findFirst()
          .map(
              name ->
                  name.endsWith(".bin")
                      ? " (" + name + " is a pickle: save the model again as safetensors)"
                      : " (rename " + name + " if it is the one you mean)")
          .orElse("");
    } catch (IOException e) {
      return "";
    }
  }

  private static boolean isIndex(Path file) {
    return file.getFileName().toString().endsWith(INDEX_SUFFIX);
  }
}
