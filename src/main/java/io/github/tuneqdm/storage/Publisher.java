package io.github.tuneqdm.storage;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.CommonPathCapabilities;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Options.CreateFileOptionKeys;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.StreamCapabilities;
import org.apache.hadoop.io.IOUtils;

/**
 * Puts finished files where readers look for them: a reader sees a whole file or none, and attempts
 * that run at the same time do not disturb each other.
 *
 * <p>Where files can be renamed, a file is written under a name of its own beside the target,
 * closed, read back and compared, and renamed last. Object stores cannot rename; there a file is
 * written to its target, since it appears, whole, when its stream is closed, and one that failed is
 * aborted and never appears.
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

  /** What becomes of another file that is at the target already. */
  private enum Other {
    REFUSED,
    ADOPTED,
    REPLACED
  }

  /**
   * The file system of a path; {@code file:} comes without Hadoop's {@code .crc} companions.
   *
   * @throws TuneQdmException (environment) where the scheme is unknown or the system not reachable
   */
  public static FileSystem fileSystem(Path path, Configuration configuration) {
    try {
      FileSystem fs = path.getFileSystem(configuration);
      return fs instanceof LocalFileSystem local ? LocalDisk.of(local) : fs;
    } catch (IOException | RuntimeException e) {
      throw StorageProblem.environment("Cannot reach " + path, e); // unknown schemes are unchecked
    }
  }

  /**
   * Makes sure that a folder can be written to, by writing and deleting a file.
   *
   * @throws TuneQdmException (environment) where it cannot
   */
  public static void requireWritable(FileSystem fs, Path folder) {
    Path probe = Attempts.of(new Path(folder, "probe"));
    try {
      fs.mkdirs(folder);
      write(fs, probe, () -> new ByteArrayInputStream(new byte[1]));
      fs.delete(probe, false);
    } catch (IOException e) {
      deleteQuietly(fs, probe);
      throw StorageProblem.environment("Cannot write to " + folder, e);
    }
  }

  /**
   * Publishes bytes. Where an equal file is there already, nothing is done.
   *
   * @throws TuneQdmException (environment) naming the path where it cannot be written, or where a
   *     different file is there already
   */
  public static Published publish(FileSystem fs, Path target, byte[] content) {
    return publish(fs, target, content, Other.REFUSED);
  }

  /**
   * Publishes a local file, as {@link #publish(FileSystem, Path, byte[])} does bytes; the local
   * file stays.
   */
  public static Published publish(FileSystem fs, Path target, java.nio.file.Path content) {
    Published wanted = new Published(target, localLength(content), Hashes.sha256(content));
    return publish(fs, wanted, () -> Files.newInputStream(content), Other.REFUSED);
  }

  /**
   * Publishes bytes unless a file is there already, whatever is in it: of attempts that make the
   * same with other rounding, the first one's result is everyone's.
   *
   * @return what is there: these bytes or the earlier ones
   */
  public static Published publishOrAdopt(FileSystem fs, Path target, byte[] content) {
    return publish(fs, target, content, Other.ADOPTED);
  }

  /** As {@link #publishOrAdopt(FileSystem, Path, byte[])} for a file that lies in pieces. */
  public static Published publishOrAdopt(FileSystem fs, Path target, List<ByteBuffer> content) {
    return publish(fs, target, content, Other.ADOPTED);
  }

  /**
   * Publishes a file that lies in pieces, as {@link #publish(FileSystem, Path, byte[])} does bytes;
   * the pieces' positions stay.
   */
  public static Published publish(FileSystem fs, Path target, List<ByteBuffer> content) {
    return publish(fs, target, content, Other.REFUSED);
  }

  private static Published publish(
      FileSystem fs, Path target, List<ByteBuffer> content, Other other) {
    long length = content.stream().mapToLong(ByteBuffer::remaining).sum();
    Published wanted = new Published(target, length, Hashes.sha256(content));
    return publish(fs, wanted, () -> new BufferInputStream(content), other);
  }

  /**
   * Publishes bytes in the place of whatever is there: for files that are made anew, such as
   * reports. Readers see the old file or the new one.
   */
  public static Published replace(FileSystem fs, Path target, byte[] content) {
    return publish(fs, target, content, Other.REPLACED);
  }

  private static Published publish(FileSystem fs, Path target, byte[] content, Other other) {
    Published wanted = new Published(target, content.length, Hashes.sha256(content));
    return publish(fs, wanted, () -> new ByteArrayInputStream(content), other);
  }

  private static long localLength(java.nio.file.Path content) {
    try {
      return Files.size(content);
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot read %s: %s".formatted(content, e), e);
    }
  }

  private static Published publish(FileSystem fs, Published wanted, Source source, Other other) {
    Path target = wanted.path();
    try {
      boolean whole = appearsWhole(fs, target);
      if (!(whole && other == Other.REPLACED)) { // object stores date a file by its last write
        Optional<Published> there = settled(fs, wanted, other);
        if (there.isPresent()) {
          return there.get();
        }
      }
      boolean placed =
          whole
              ? writeAtOnce(fs, wanted, source, other)
              : writeAndRename(fs, wanted, source, other);
      return placed ? wanted : settled(fs, wanted, other).orElseThrow(Publisher::unplaced);
    } catch (IOException e) {
      throw StorageProblem.environment("Cannot write " + target, e);
    }
  }

  private static IOException unplaced() {
    return new IOException("the finished file could not be put in its place");
  }

  /** Whether a file appears at its path only when its stream is closed, and then whole. */
  static boolean appearsWhole(FileSystem fs, Path path) throws IOException {
    return fs.hasPathCapability(path, CommonPathCapabilities.ABORTABLE_STREAM);
  }

  /** What the file at the target makes the result, if it does; refused ones are exceptions. */
  private static Optional<Published> settled(FileSystem fs, Published wanted, Other other)
      throws IOException {
    Path target = wanted.path();
    if (!fs.exists(target)) {
      return Optional.empty();
    }
    FileStatus status = fs.getFileStatus(target);
    if (other == Other.ADOPTED && status.isFile()) {
      return Optional.of(new Published(target, status.getLen(), hash(fs, target)));
    }
    if (status.isFile()
        && status.getLen() == wanted.length()
        && hash(fs, target).equals(wanted.sha256())) {
      return Optional.of(wanted);
    }
    if (other == Other.REPLACED) {
      return Optional.empty();
    }
    throw new IOException("a different file is there already (move it away)");
  }

  private static String hash(FileSystem fs, Path file) throws IOException {
    try (InputStream in = fs.open(file)) {
      return Hashes.sha256(in);
    }
  }

  /**
   * Returns false where another attempt came first.
   *
   * @throws IOException where the file was not written
   */
  private static boolean writeAtOnce(FileSystem fs, Published wanted, Source source, Other other)
      throws IOException {
    Path target = wanted.path();
    FSDataOutputStreamBuilder<?, ?> file = fs.createFile(target).recursive().overwrite(true);
    if (other != Other.REPLACED
        && fs.hasPathCapability(
            target, CreateFileOptionKeys.FS_OPTION_CREATE_CONDITIONAL_OVERWRITE)) {
      file.must(CreateFileOptionKeys.FS_OPTION_CREATE_CONDITIONAL_OVERWRITE, true);
    }
    try {
      FSDataOutputStream out = file.build();
      try {
        copy(source, out);
      } catch (IOException | RuntimeException e) {
        out.abort(); // closing would publish a half
        throw e;
      }
      out.close();
    } catch (IOException e) {
      // The answer can be lost after the store has acted on the request, and the request be
      // repeated; or another attempt was first. What is there decides.
      if (other == Other.REPLACED || !isTaken(fs, target)) {
        throw e;
      }
      return false;
    }
    Optional<String> defect = defect(fs, target, wanted);
    if (defect.isPresent() && other == Other.REPLACED) {
      throw new IOException(defect.get());
    }
    return defect.isEmpty(); // else it is another's: the store refuses bodies that were altered
  }

  private static boolean isTaken(FileSystem fs, Path target) {
    try {
      return fs.exists(target);
    } catch (IOException e) {
      return false; // the failure that matters is already under way
    }
  }

  /** Returns false where another attempt came first. */
  private static boolean writeAndRename(FileSystem fs, Published wanted, Source source, Other other)
      throws IOException {
    Path attempt = Attempts.of(wanted.path());
    try {
      fs.mkdirs(wanted.path().getParent());
      write(fs, attempt, source);
      Optional<String> defect = defect(fs, attempt, wanted);
      if (defect.isPresent()) {
        throw new IOException(defect.get());
      }
      return Renames.rename(fs, attempt, wanted.path(), other == Other.REPLACED);
    } catch (IOException e) {
      // A late attempt whose file is published may find its own swept away.
      if (other == Other.REPLACED || !isTaken(fs, wanted.path())) {
        throw e;
      }
      return false;
    } finally {
      deleteQuietly(fs, attempt);
    }
  }

  private static void write(FileSystem fs, Path path, Source source) throws IOException {
    try {
      FSDataOutputStream out = fs.create(path, false);
      boolean written = false;
      try {
        copy(source, out);
        if (out.hasCapability(StreamCapabilities.HSYNC)) {
          out.hsync();
        }
        written = true;
      } finally {
        if (!written) { // HDFS throws the same exception again, which Java cannot add to itself
          IOUtils.closeStream(out);
        }
      }
      out.close();
    } catch (FSError e) { // what Hadoop makes of a full local disk
      throw new IOException(e.getCause().getMessage(), e);
    }
  }

  private static void copy(Source source, FSDataOutputStream out) throws IOException {
    try (InputStream in = source.open()) {
      byte[] chunk = new byte[CHUNK];
      for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
        out.write(chunk, 0, n);
      }
    }
  }

  /** What is wrong with a written file, if anything. */
  private static Optional<String> defect(FileSystem fs, Path written, Published wanted)
      throws IOException {
    long length = fs.getFileStatus(written).getLen();
    if (length != wanted.length()) {
      return Optional.of(
          "%d of %d bytes arrived (is the disk full?)".formatted(length, wanted.length()));
    }
    return hash(fs, written).equals(wanted.sha256())
        ? Optional.empty()
        : Optional.of("what was read back differs from what was written");
  }

  private static void deleteQuietly(FileSystem fs, Path attempt) {
    // A task that Spark has killed carries an interrupt, which HDFS would take for its own.
    boolean interrupted = Thread.interrupted();
    try {
      if (fs.exists(attempt)) {
        fs.delete(attempt, false);
      }
    } catch (IOException e) {
      return; // it will be swept; the failure that matters is already under way
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
