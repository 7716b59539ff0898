package io.github.tuneqdm.storage;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.List;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.StreamCapabilities;

/**
 * Puts finished files where readers look for them. A file is written under a name of its own beside
 * the target, closed, read back and compared, and renamed last; so a reader sees a whole file or
 * none, and attempts that run at the same time do not disturb each other.
 */
public final class Publisher {
  private static final int CHUNK = 1 << 16;

  private Publisher() {}

  /** What lies at the target afterwards. */
  public record Published(Path path, long length, String sha256) {}

  /** Opens a source anew for each pass over its bytes. */
  private interface Source {
    InputStream open() throws IOException;
  }

  /**
   * The file system of a path; {@code file:} comes without Hadoop's {@code .crc} companions.
   *
   * @throws TuneQdmException (environment) where the scheme is unknown or the system not reachable
   */
  public static FileSystem fileSystem(Path path, Configuration configuration) {
    try {
      FileSystem fs = path.getFileSystem(configuration);
      return fs instanceof LocalFileSystem local ? local.getRaw() : fs;
    } catch (IOException | IllegalArgumentException e) {
      throw TuneQdmException.environment("Cannot reach %s: %s".formatted(path, reason(e)), e);
    }
  }

  /**
   * Publishes bytes. Where an equal file is there already, nothing is done.
   *
   * @throws TuneQdmException (environment) naming the path where it cannot be written, or where a
   *     different file is there already
   */
  public static Published publish(FileSystem fs, Path target, byte[] content) {
    return publish(
        fs,
        target,
        () -> new ByteArrayInputStream(content),
        content.length,
        Hashes.sha256(content),
        false);
  }

  /**
   * Publishes a local file, as {@link #publish(FileSystem, Path, byte[])} does bytes; the local
   * file stays.
   */
  public static Published publish(FileSystem fs, Path target, java.nio.file.Path content) {
    return publish(
        fs,
        target,
        () -> Files.newInputStream(content),
        localLength(content),
        Hashes.sha256(content),
        false);
  }

  /**
   * Publishes a file that lies in pieces, as {@link #publish(FileSystem, Path, byte[])} does bytes;
   * the pieces' positions stay.
   */
  public static Published publish(FileSystem fs, Path target, List<ByteBuffer> content) {
    return publish(
        fs,
        target,
        () -> new BufferInputStream(content),
        content.stream().mapToLong(ByteBuffer::remaining).sum(),
        Hashes.sha256(content),
        false);
  }

  /**
   * Publishes bytes in the place of whatever is there: for files that are made anew, such as
   * reports. Readers see the old file or the new one where the file system replaces atomically
   * (local disks, HDFS); on object stores the old one can vanish for a moment.
   */
  public static Published replace(FileSystem fs, Path target, byte[] content) {
    return publish(
        fs,
        target,
        () -> new ByteArrayInputStream(content),
        content.length,
        Hashes.sha256(content),
        true);
  }

  private static long localLength(java.nio.file.Path content) {
    try {
      return Files.size(content);
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot read %s: %s".formatted(content, e), e);
    }
  }

  private static Published publish(
      FileSystem fs, Path target, Source source, long length, String sha256, boolean replace) {
    Published published = new Published(target, length, sha256);
    try {
      if (isThere(fs, published)) {
        return published;
      }
      if (!replace) {
        refuseOther(fs, target);
      }
      Path attempt =
          new Path(target.getParent(), "." + target.getName() + "." + UUID.randomUUID() + ".tmp");
      try {
        fs.mkdirs(target.getParent());
        write(fs, attempt, source);
        verify(fs, attempt, length, sha256);
        moveIntoPlace(fs, attempt, published, replace);
      } finally {
        deleteQuietly(fs, attempt);
      }
      return published;
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot write %s: %s".formatted(target, reason(e)), e);
    }
  }

  private static boolean isThere(FileSystem fs, Published published) throws IOException {
    if (!fs.exists(published.path())) {
      return false;
    }
    FileStatus status = fs.getFileStatus(published.path());
    if (!status.isFile() || status.getLen() != published.length()) {
      return false;
    }
    try (InputStream in = fs.open(published.path())) {
      return Hashes.sha256(in).equals(published.sha256());
    }
  }

  private static void refuseOther(FileSystem fs, Path target) throws IOException {
    if (fs.exists(target)) {
      throw new IOException("a different file is there already (move it away)");
    }
  }

  private static void write(FileSystem fs, Path attempt, Source source) throws IOException {
    try (InputStream in = source.open();
        FSDataOutputStream out = fs.create(attempt, false)) {
      byte[] chunk = new byte[CHUNK];
      for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
        out.write(chunk, 0, n);
      }
      if (out.hasCapability(StreamCapabilities.HSYNC)) {
        out.hsync();
      }
    }
  }

  private static void verify(FileSystem fs, Path attempt, long length, String sha256)
      throws IOException {
    long written = fs.getFileStatus(attempt).getLen();
    if (written != length) {
      throw new IOException(
          "%d of %d bytes arrived (is the disk full?)".formatted(written, length));
    }
    try (InputStream in = fs.open(attempt)) {
      if (!Hashes.sha256(in).equals(sha256)) {
        throw new IOException("what was read back differs from what was written");
      }
    }
  }

  private static void moveIntoPlace(
      FileSystem fs, Path attempt, Published published, boolean replace) throws IOException {
    Path target = published.path();
    boolean moved = Renames.rename(fs, attempt, target, replace);
    // Another attempt may have come first; it counts as ours where it wrote the same bytes.
    if (!moved && !isThere(fs, published)) {
      refuseOther(fs, target);
      throw new IOException("the finished file could not be renamed to its place");
    }
  }

  private static void deleteQuietly(FileSystem fs, Path attempt) {
    try {
      if (fs.exists(attempt)) {
        fs.delete(attempt, false);
      }
    } catch (IOException e) {
      // The attempt's name is hidden and never read; the failure that matters is already under way.
      return;
    }
  }

  static String reason(Exception e) {
    String message = e.getMessage();
    String text =
        message == null ? e.getClass().getSimpleName() : message.lines().findFirst().orElse("");
    return e instanceof IOException && e.getClass() != IOException.class
        ? e.getClass().getSimpleName() + ": " + text
        : text;
  }
}
