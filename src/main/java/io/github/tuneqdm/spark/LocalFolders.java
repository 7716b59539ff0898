package io.github.tuneqdm.spark;

import io.github.tuneqdm.spark.plugin.WorkerMetrics;
import io.github.tuneqdm.storage.LocalModelFolder;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;

/** Model folders and bases on this machine's disk; what lies elsewhere is copied once a machine. */
final class LocalFolders {
  /** The environment variable that moves the cache. */
  static final String VARIABLE = "TUNEQDM_CACHE_DIR";

  private LocalFolders() {}

  static Path of(String folder, Configuration hadoop) {
    LocalModelFolder.Found found =
        LocalModelFolder.find(new org.apache.hadoop.fs.Path(folder), hadoop, cache());
    switch (found.origin()) {
      case CACHED -> WorkerMetrics.ofThisJvm().cacheHit();
      case COPIED -> WorkerMetrics.ofThisJvm().cacheMiss();
      case LOCAL -> {} // no cache was asked
    }
    return found.path();
  }

  /** Where copies are kept. */
  static Path cache() {
    String chosen = System.getenv(VARIABLE);
    return chosen == null || chosen.isBlank()
        ? Path.of(
            System.getProperty("java.io.tmpdir"),
            "tuneqdm-cache-" + System.getProperty("user.name"))
        : Path.of(chosen);
  }
}
