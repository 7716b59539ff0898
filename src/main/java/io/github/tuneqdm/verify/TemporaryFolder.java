package io.github.tuneqdm.verify;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** A folder for what must lie in files to be read; gone when closed. */
final class TemporaryFolder implements AutoCloseable {
  private final Path folder;

  TemporaryFolder() {
    try {
      this.folder = Files.createTempDirectory("tuneqdm-verify-");
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot make a temporary folder: " + e, e);
    }
  }

  Path path() {
    return folder;
  }

  Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  Path write(String name, InputStream content) throws IOException {
    Files.copy(content, folder.resolve(name));
    return folder.resolve(name);
  }

  @Override
  public void close() {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(folder);
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot remove " + folder + ": " + e, e);
    }
  }
}
