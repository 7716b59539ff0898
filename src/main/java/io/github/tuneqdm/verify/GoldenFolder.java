package io.github.tuneqdm.verify;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.ModelWeights;
import io.github.tuneqdm.storage.SafetensorsFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The folder under verification. It remembers which check has read which file, so that a file that
 * nobody read can be told. Files go by their path inside the folder, with slashes.
 */
final class GoldenFolder {
  private final Path root;
  private final TreeMap<String, Set<String>> readers = new TreeMap<>();
  private String check = "";

  /** Reads one file. */
  @FunctionalInterface
  interface Reading<T> {
    T of(Path file) throws IOException;
  }

  GoldenFolder(Path root) {
    if (!Files.isDirectory(root)) {
      throw TuneQdmException.inputData(
          "Cannot verify " + root + ": there is no such folder (--goldens)");
    }
    this.root = root;
  }

  /** All files, in order of their names; links are followed. */
  List<String> files() {
    try (Stream<Path> walk = Files.walk(root, FileVisitOption.FOLLOW_LINKS)) {
      return walk.filter(path -> !Files.isDirectory(path))
          .map(path -> root.relativize(path).toString().replace('\\', '/'))
          .sorted()
          .toList();
    } catch (IOException | UncheckedIOException e) {
      throw TuneQdmException.inputData("Cannot list the files of " + root + ": " + e, e);
    }
  }

  /** From now on files are read for this check. */
  void readFor(String check) {
    this.check = check;
  }

  /** The checks that have read the file. */
  Set<String> readersOf(String file) {
    return readers.getOrDefault(file, Set.of());
  }

  boolean has(String file) {
    return Files.isRegularFile(path(file));
  }

  /** Where the file lies; names come from files' contents and must not lead out of the folder. */
  Path path(String file) {
    Path path = root.resolve(file).normalize();
    if (!path.startsWith(root.normalize())) {
      throw TuneQdmException.inputData("Cannot read " + file + ": it lies outside of " + root);
    }
    return path;
  }

  /** Reads a file; it counts as read once {@code reading} has returned. */
  <T> T read(String file, Reading<T> reading) {
    try {
      T result = reading.of(path(file));
      markRead(file);
      return result;
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read " + file + ": " + e, e);
    }
  }

  GoldenFile open(String file) {
    return read(file, path -> new GoldenFile(file, SafetensorsFile.open(path)));
  }

  /** Reads a model folder: its config.json and its weights. */
  <T> T readModel(String model, Reading<T> reading) {
    T result = read(model + "/config.json", config -> reading.of(config.getParent()));
    for (Path file : ModelWeights.files(path(model))) {
      String name = file.getFileName().toString();
      markRead(model + "/" + name);
      String whole = name.replaceFirst("-\\d+-of-\\d+(?=\\.)", "");
      if (!whole.equals(name)) {
        markRead(model + "/" + whole + ".index.json");
      }
    }
    return result;
  }

  private void markRead(String file) {
    readers.computeIfAbsent(file, f -> new TreeSet<>()).add(check);
  }
}
