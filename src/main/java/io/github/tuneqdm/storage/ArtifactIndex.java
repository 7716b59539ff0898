package io.github.tuneqdm.storage;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * {@code run.json}: every file of a finished run with its length, hash and kind, in the order of
 * their paths. The list is cut into pages; a single page stands in {@code run.json} itself, several
 * lie beside it, each a stretch of neighbouring paths.
 *
 * @param artifactCount of all pages
 * @param bytes of all artefacts
 * @param artifacts the only page; empty where there are several
 * @param pages in order; empty where there is one
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record ArtifactIndex(
    String format,
    String run,
    long artifactCount,
    long bytes,
    List<Artifact> artifacts,
    List<Page> pages) {
  /** Its name in the run's folder. */
  public static final String NAME = "run.json";

  /** The folder of its pages. */
  public static final String PAGES = "artifacts";

  private static final String FORMAT = "tuneqdm-run-1";
  private static final long LARGEST_FILE = 64 << 20;
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES);

  public ArtifactIndex {
    artifacts = artifacts == null ? List.of() : List.copyOf(artifacts);
    pages = pages == null ? List.of() : List.copyOf(pages);
  }

  /**
   * A file.
   *
   * @param path relative to the run's folder
   * @param kind such as {@code deltas}, {@code image}, {@code report}
   */
  public record Artifact(String path, String kind, long bytes, String sha256) {}

  /**
   * A page that lies in a file of its own.
   *
   * @param path relative to the run's folder
   * @param first path of its first artefact
   * @param last path of its last artefact
   * @param sha256 of the page's file
   */
  public record Page(
      String path, String first, String last, long artifactCount, long bytes, String sha256)
      implements Serializable {}

  /** What stands in a page's file. */
  private record Listing(List<Artifact> artifacts) {
    private Listing {
      artifacts = artifacts == null ? List.of() : List.copyOf(artifacts);
    }
  }

  /** An index of one page. */
  public static ArtifactIndex of(String run, List<Artifact> artifacts) {
    return new ArtifactIndex(FORMAT, run, artifacts.size(), bytes(artifacts), artifacts, List.of());
  }

  /** An index of pages that are published already. */
  public static ArtifactIndex ofPages(String run, List<Page> pages) {
    long count = pages.stream().mapToLong(Page::artifactCount).sum();
    long bytes = pages.stream().mapToLong(Page::bytes).sum();
    return new ArtifactIndex(FORMAT, run, count, bytes, List.of(), pages);
  }

  /**
   * How the index tells of a page.
   *
   * @param content the page's file
   */
  public static Page page(String path, List<Artifact> artifacts, byte[] content) {
    return new Page(
        path,
        artifacts.get(0).path(),
        artifacts.get(artifacts.size() - 1).path(),
        artifacts.size(),
        bytes(artifacts),
        Hashes.sha256(content));
  }

  /** A page's file. */
  public static byte[] listing(List<Artifact> artifacts) {
    return json(new Listing(artifacts));
  }

  public byte[] toJson() {
    return json(this);
  }

  private static long bytes(List<Artifact> artifacts) {
    return artifacts.stream().mapToLong(Artifact::bytes).sum();
  }

  private static byte[] json(Object value) {
    try {
      return (JSON.writeValueAsString(value) + "\n").getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Reads the index of a run's local folder and compares every artefact with it.
   *
   * @throws TuneQdmException (input data) naming the artefact that is missing or changed
   */
  public static ArtifactIndex verify(Path run) {
    ArtifactIndex index = read(run.resolve(NAME), ArtifactIndex.class);
    if (!FORMAT.equals(index.format)) {
      throw TuneQdmException.inputData(
          "Cannot read %s: its format is %s, not %s"
              .formatted(run.resolve(NAME), index.format, FORMAT));
    }
    index.forEach(run, artifact -> compare(run, artifact.path, artifact.bytes, artifact.sha256));
    return index;
  }

  private void forEach(Path run, Consumer<Artifact> use) {
    artifacts.forEach(use);
    for (Page page : pages) {
      Path file = within(run, page.path);
      compare(run, page.path, -1, page.sha256);
      read(file, Listing.class).artifacts.forEach(use);
    }
  }

  /**
   * @param bytes its length; negative where that is not known
   */
  private static void compare(Path run, String path, long bytes, String sha256) {
    Path file = within(run, path);
    if (!Files.isRegularFile(file)) {
      throw damaged(run, path, "is missing");
    }
    try {
      if (bytes >= 0 && Files.size(file) != bytes) {
        throw damaged(run, path, "has %d bytes, not %d,".formatted(Files.size(file), bytes));
      }
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read " + file + ": " + e, e);
    }
    if (!Hashes.sha256(file).equals(sha256)) {
      throw damaged(run, path, "does not match its sha256");
    }
  }

  private static TuneQdmException damaged(Path run, String path, String how) {
    return TuneQdmException.inputData(
        "Cannot use the run %s: %s %s as run.json has it (delete its folder and run the job again that makes it)"
            .formatted(run, path, how));
  }

  private static Path within(Path run, String path) {
    if (path != null && !path.isEmpty() && path.indexOf('\0') < 0) {
      Path file = run.resolve(path).normalize();
      if (file.startsWith(run.normalize()) && !file.equals(run.normalize())) {
        return file;
      }
    }
    throw TuneQdmException.inputData(
        "Cannot read %s: it lists '%s', which is not in the run's folder"
            .formatted(run.resolve(NAME), path));
  }

  private static <T> T read(Path file, Class<T> type) {
    try {
      if (Files.size(file) > LARGEST_FILE) {
        throw TuneQdmException.inputData("Cannot read " + file + ": it is larger than 64 MiB");
      }
      T value = JSON.readValue(Files.readAllBytes(file), type);
      if (value == null) {
        throw TuneQdmException.inputData("Cannot read " + file + ": it is empty");
      }
      return value;
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read " + file + ": " + e.getMessage(), e);
    }
  }
}
