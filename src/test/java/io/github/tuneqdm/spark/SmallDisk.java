package io.github.tuneqdm.spark;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** A file system in memory of a few MiB, where this process may mount one. */
final class SmallDisk implements AutoCloseable {
  static final String FILLER = "filler";
  private static final int BLOCK = 1 << 12;

  private final Path folder;

  private SmallDisk(Path folder) {
    this.folder = folder;
  }

  /** Mounts it; a test that cannot is skipped and says so. */
  static SmallDisk mount(Path folder, int mebibytes) throws IOException {
    Files.createDirectories(folder);
    String problem =
        run("mount", "-t", "tmpfs", "-o", "size=" + mebibytes + "m", "tmpfs", folder.toString());
    if (!problem.isEmpty()) {
      String reason = "Skipped: a small file system cannot be mounted here: " + problem;
      System.out.println(reason);
      Assumptions.abort(reason);
    }
    return new SmallDisk(folder);
  }

  /** What went wrong; empty where nothing did. */
  private static String run(String... command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return process.waitFor() == 0 ? "" : command[0] + " failed: " + output.strip();
    } catch (IOException e) {
      return e.getMessage();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  Path folder() {
    return folder;
  }

  /** Fills it up until so many bytes are free. */
  void leave(long bytes) throws IOException {
    long left = Files.getFileStore(folder).getUsableSpace();
    try (RandomAccessFile filler = new RandomAccessFile(folder.resolve(FILLER).toFile(), "rw")) {
      byte[] block = new byte[BLOCK];
      for (; left - BLOCK >= bytes; left -= BLOCK) {
        filler.write(block);
      }
    }
  }

  void free() throws IOException {
    Files.delete(folder.resolve(FILLER));
  }

  List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  @Override
  public void close() throws IOException {
    // Weights that were mapped keep the disk busy until they are collected.
    String problem = run("umount", "--lazy", folder.toString());
    if (!problem.isEmpty()) {
      throw new IOException(problem);
    }
  }
}
