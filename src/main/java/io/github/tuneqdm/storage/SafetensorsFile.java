package io.github.tuneqdm.storage;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.fs.ChecksumException;
import org.apache.hadoop.fs.FileSystem;

/**
 * A safetensors file, memory-mapped tensor by tensor: opening reads the header alone, and files may
 * be larger than 2 GiB. Each file is checked completely on opening (see {@link SafetensorsHeader}).
 */
public final class SafetensorsFile implements TensorSource {
  private static final int LENGTH_BYTES = 8;

  private final Path path;
  private final FileChannel channel;
  private final SafetensorsHeader header;
  private final long dataStart;

  private SafetensorsFile(
      Path path, FileChannel channel, SafetensorsHeader header, long dataStart) {
    this.path = path;
    this.channel = channel;
    this.header = header;
    this.dataStart = dataStart;
  }

  /**
   * Opens and checks a file.
   *
   * @throws TuneQdmException (input data) where the file is absent or malformed, with the reason
   */
  public static SafetensorsFile open(Path path) {
    FileChannel channel = null;
    try {
      if (Files.isDirectory(path)) {
        throw new SafetensorsHeader.Malformed("it is a folder");
      }
      if (Files.exists(path) && !Files.isRegularFile(path)) { // opening a pipe waits for ever
        throw new SafetensorsHeader.Malformed("it is not an ordinary file");
      }
      channel = FileChannel.open(path, StandardOpenOption.READ);
      SafetensorsFile file = open(path, channel);
      channel = null;
      return file;
    } catch (SafetensorsHeader.Malformed e) {
      throw TuneQdmException.inputData("Cannot read %s: %s".formatted(path, e.getMessage()), e);
    } catch (NoSuchFileException e) {
      throw TuneQdmException.inputData("Cannot read %s: there is no such file".formatted(path), e);
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read %s: %s".formatted(path, e.getMessage()), e);
    } finally {
      closeQuietly(channel);
    }
  }

  /**
   * Opens a file on any file system, once it is sure that its bytes are the expected ones. It is
   * read from a local copy, which goes when the file is closed.
   *
   * @throws TuneQdmException (input data) where it is absent, damaged or malformed; (environment)
   *     where storage or the local disk fails
   */
  public static SafetensorsFile open(FileSystem fs, org.apache.hadoop.fs.Path file, String sha256) {
    try {
      Path copy = Files.createTempFile("tuneqdm-", ".safetensors");
      try {
        copy(fs, file, copy);
        if (!Hashes.sha256(copy).equals(sha256)) {
          throw TuneQdmException.inputData(
              "Cannot read %s: its content does not match its sha256".formatted(file));
        }
        return open(copy);
      } finally {
        Files.delete(copy); // an open file stays readable
      }
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot copy %s: %s".formatted(file, e), e);
    }
  }

  private static void copy(FileSystem fs, org.apache.hadoop.fs.Path from, Path to)
      throws IOException {
    try (InputStream in = fs.open(from)) {
      Files.copy(in, to, StandardCopyOption.REPLACE_EXISTING);
    } catch (FileNotFoundException | ChecksumException e) {
      throw TuneQdmException.inputData("Cannot read %s: %s".formatted(from, e), e);
    }
  }

  private static SafetensorsFile open(Path path, FileChannel channel)
      throws IOException, SafetensorsHeader.Malformed {
    long size = channel.size();
    if (size < LENGTH_BYTES) {
      throw new SafetensorsHeader.Malformed(
          "%d bytes are too few for a safetensors file".formatted(size));
    }
    long length = read(channel, 0, LENGTH_BYTES).getLong();
    if (length == 0) {
      throw new SafetensorsHeader.Malformed("the header length is 0");
    }
    if (length < 0 || length > SafetensorsHeader.MAX_LENGTH) {
      throw new SafetensorsHeader.Malformed(
          "the header length %s is over the limit of %d bytes (not a safetensors file?)"
              .formatted(Long.toUnsignedString(length), SafetensorsHeader.MAX_LENGTH));
    }
    if (length > size - LENGTH_BYTES) {
      throw new SafetensorsHeader.Malformed(
          "the header is truncated: it should have %d bytes, %d are there"
              .formatted(length, size - LENGTH_BYTES));
    }
    long dataStart = LENGTH_BYTES + length;
    SafetensorsHeader header =
        SafetensorsHeader.parse(read(channel, LENGTH_BYTES, (int) length), size - dataStart);
    return new SafetensorsFile(path, channel, header, dataStart);
  }

  private static ByteBuffer read(FileChannel channel, long position, int length)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, position + buffer.position()) < 0) {
        throw new IOException("the file became shorter while it was read");
      }
    }
    return buffer.flip();
  }

  @Override
  public Set<String> names() {
    return header.entries().keySet();
  }

  @Override
  public StoredTensor tensor(String name) {
    SafetensorsHeader.Entry entry = entry(name);
    String origin = "tensor '%s' of %s".formatted(name, path);
    if (entry.length() > Integer.MAX_VALUE) {
      throw TuneQdmException.inputData(
          "Cannot read %s: its %d bytes are more than the 2 GiB a tensor may have"
              .formatted(origin, entry.length()));
    }
    try {
      ByteBuffer buffer =
          entry.length() == 0
              ? ByteBuffer.allocate(0)
              : channel.map(
                  FileChannel.MapMode.READ_ONLY, dataStart + entry.begin(), entry.length());
      return BufferTensor.read(origin, entry.dtype(), entry.shape(), buffer);
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read %s: %s".formatted(origin, e.getMessage()), e);
    }
  }

  @Override
  public DType dtype(String name) {
    return entry(name).dtype();
  }

  @Override
  public long[] shape(String name) {
    return entry(name).shape().clone();
  }

  private SafetensorsHeader.Entry entry(String name) {
    SafetensorsHeader.Entry entry = header.entries().get(name);
    if (entry == null) {
      throw TuneQdmException.inputData(
          "Cannot read tensor '%s': %s has no tensor of that name".formatted(name, path));
    }
    return entry;
  }

  @Override
  public Map<String, String> metadata() {
    return header.metadata();
  }

  @Override
  public void close() {
    closeQuietly(channel);
  }

  private static void closeQuietly(FileChannel channel) {
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        // Nothing was written, so nothing can be lost by a failing close.
        return;
      }
    }
  }
}
