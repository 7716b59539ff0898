package io.github.tuneqdm.storage;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FileSystem;

/** SHA-256 of bytes, files and folders, as 64 lower-case hex digits. */
public final class Hashes {
  private static final int CHUNK = 1 << 16;

  private Hashes() {}

  public static String sha256(byte[] bytes) {
    return hex(digest(), d -> d.update(bytes));
  }

  /** Hash of a text's UTF-8 bytes. */
  public static String sha256(String text) {
    return sha256(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Hash of the remaining bytes of each buffer in turn; positions are left as they are. */
  public static String sha256(List<ByteBuffer> buffers) {
    return hex(digest(), d -> buffers.forEach(b -> d.update(b.duplicate())));
  }

  /**
   * Hash of a file's bytes.
   *
   * @throws TuneQdmException (input data) where it cannot be read
   */
  public static String sha256(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return sha256(in);
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read %s: %s".formatted(file, e), e);
    }
  }

  /**
   * Hash of a file on any file system.
   *
   * @throws TuneQdmException (environment) where it cannot be read
   */
  public static String sha256(FileSystem fs, org.apache.hadoop.fs.Path file) {
    try (InputStream in = fs.open(file)) {
      return sha256(in);
    } catch (IOException e) {
      throw StorageProblem.environment("Cannot read " + file, e);
    }
  }

  /** Hash of a stream's remaining bytes. */
  static String sha256(InputStream in) throws IOException {
    MessageDigest digest = digest();
    byte[] chunk = new byte[CHUNK];
    for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
      digest.update(chunk, 0, n);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /**
   * Hash of a folder: of the sorted lines {@code <sha256> <relative path>} of all its files. Names
   * and contents count; times, owners and empty folders do not.
   *
   * @throws TuneQdmException (input data) where the folder cannot be read
   */
  public static String sha256OfFolder(Path folder) {
    try (Stream<Path> walk = Files.walk(folder)) {
      List<String> lines =
          walk.filter(Files::isRegularFile)
              .map(file -> folder.relativize(file).toString().replace('\\', '/'))
              .sorted()
              .map(name -> sha256(folder.resolve(name)) + " " + name + "\n")
              .toList();
      return sha256(String.join("", lines));
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read %s: %s".formatted(folder, e), e);
    }
  }

  private static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private static String hex(MessageDigest digest, Consumer<MessageDigest> update) {
    update.accept(digest);
    return HexFormat.of().formatHex(digest.digest());
  }
}
