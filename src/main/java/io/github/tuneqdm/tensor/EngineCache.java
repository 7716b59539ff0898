package io.github.tuneqdm.tensor;

import ai.djl.util.Utils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * Where the engine unpacks its libraries when it first starts.
 *
 * @param needed bytes that it may still have to write there
 */
public record EngineCache(Path folder, long needed) {
  /** The environment variable that moves it. */
  public static final String VARIABLE = "DJL_CACHE_DIR";

  private static final long UNPACKED = 500L << 20;
  private static final long LITTLE = 50L << 20;

  public static EngineCache ofThisProcess() {
    Path folder = Utils.getEngineCacheDir("pytorch");
    boolean isThere =
        Utils.getEnvOrSystemProperty("PYTORCH_LIBRARY_PATH") != null || holdsLibraries(folder);
    return new EngineCache(folder, isThere ? LITTLE : UNPACKED);
  }

  private static boolean holdsLibraries(Path folder) {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    try (Stream<Path> versions = Files.list(folder)) {
      return versions.anyMatch(version -> Files.isRegularFile(version.resolve("libtorch_cpu.so")));
    } catch (IOException e) {
      return false; // the probe of the folder says what is wrong with it
    }
  }
}
