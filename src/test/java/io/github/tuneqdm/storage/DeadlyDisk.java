package io.github.tuneqdm.storage;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;

/**
 * The local disk under the scheme {@code deadly:}. Whoever writes a file whose name holds one of
 * the given texts dies of kill -9 once its first bytes are out, only the first time. Each death
 * leaves a file named by its text that holds the process id.
 */
public final class DeadlyDisk extends RawLocalFileSystem {
  private static final String TEXTS = "tuneqdm.deadly.texts";
  private static final String DEATHS = "tuneqdm.deadly.deaths";
  private static final int LAST_BYTES = 100;

  /**
   * Settings of Spark for it.
   *
   * @param deaths a folder
   */
  public static Map<String, String> settings(java.nio.file.Path deaths, List<String> texts) {
    Map<String, String> settings = new HashMap<>();
    settings.put("spark.hadoop.fs.deadly.impl", DeadlyDisk.class.getName());
    settings.put("spark.hadoop.fs.deadly.impl.disable.cache", "true");
    settings.put("spark.hadoop." + DEATHS, deaths.toString());
    settings.put("spark.hadoop." + TEXTS, String.join(",", texts));
    return settings;
  }

  @Override
  public URI getUri() {
    return URI.create("deadly:///");
  }

  /** Without permissions, which Hadoop looks up under {@code file:} alone. */
  @Override
  public FileStatus[] listStatus(Path folder) throws IOException {
    return Arrays.stream(super.listStatus(folder))
        .map(
            s ->
                new FileStatus(
                    s.getLen(),
                    s.isDirectory(),
                    s.getReplication(),
                    s.getBlockSize(),
                    s.getModificationTime(),
                    s.getPath()))
        .toArray(FileStatus[]::new);
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    return deadly(
        path, super.create(path, overwrite, bufferSize, replication, blockSize, progress));
  }

  private FSDataOutputStream deadly(Path path, FSDataOutputStream healthy) throws IOException {
    for (String text : getConf().getTrimmedStrings(TEXTS)) {
      if (path.getName().contains(text)) {
        return new FSDataOutputStream(
            new FilterOutputStream(healthy) {
              private int written;

              @Override
              public void write(int b) throws IOException {
                out.write(b);
                if (++written == LAST_BYTES) {
                  die(text);
                }
              }
            },
            null);
      }
    }
    return healthy;
  }

  private void die(String text) throws IOException {
    String pid = Long.toString(ProcessHandle.current().pid());
    java.nio.file.Path death = java.nio.file.Path.of(getConf().get(DEATHS), text);
    try {
      Files.createFile(death);
    } catch (FileAlreadyExistsException e) {
      return; // someone died of this before
    }
    Files.writeString(death, pid);
    new ProcessBuilder("kill", "-9", pid).start();
    while (true) {
      LockSupport.park();
    }
  }
}
