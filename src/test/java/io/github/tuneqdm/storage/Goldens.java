package io.github.tuneqdm.storage;

import java.nio.file.Path;

/** Where the reference implementation's files lie. */
public final class Goldens {
  private static final Path ROOT = Path.of("src", "test", "goldens");

  private Goldens() {}

  public static Path path(String first, String... more) {
    return ROOT.resolve(Path.of(first, more));
  }
}
