package io.github.tuneqdm.spark.doctor;

import io.github.tuneqdm.storage.FilesUnder;
import io.github.tuneqdm.storage.Publisher;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/** What this process may do in a folder on any storage. */
public final class StorageProbe {
  private static final int MOST_FILES = 1000;

  /** Object stores and many file systems keep times in whole seconds. */
  private static final long TIME_GRAIN_MILLIS = 1_000;

  private final Configuration hadoop;

  public StorageProbe(Configuration hadoop) {
    this.hadoop = hadoop;
  }

  /**
   * Creates, reads, renames and deletes a file; and compares the storage's clock.
   *
   * @param check the folder's name in the table
   * @param key that says where the folder is
   * @param name of the file, this process's own
   */
  public List<Finding> writable(String check, String key, String folder, String name) {
    Path file = new Path(folder, name);
    String step = "reached";
    try {
      FileSystem fs = Publisher.fileSystem(file, hadoop);
      Path renamed = new Path(folder, name + ".renamed");
      try {
        step = "written";
        fs.mkdirs(file.getParent());
        long before = System.currentTimeMillis();
        write(fs, file, name);
        long after = System.currentTimeMillis();
        step = "read";
        long modified = fs.getFileStatus(file).getModificationTime();
        if (!read(fs, file).equals(name)) {
          throw new IOException("what is read differs from what was written");
        }
        step = "renamed";
        if (!fs.rename(file, renamed)) {
          throw new IOException("the storage refuses");
        }
        step = "deleted";
        if (!fs.delete(renamed, false)) {
          throw new IOException("the storage refuses");
        }
        return List.of(
            Finding.ok(check, folder + ": files can be created, read, renamed and deleted"),
            ClockProbe.of("the clock of " + folder, before, after, modified, TIME_GRAIN_MILLIS));
      } finally {
        fs.delete(file, false);
        fs.delete(renamed, false);
      }
    } catch (IOException | RuntimeException e) {
      return List.of(
          Finding.fail(
              check,
              "%s: a file cannot be %s: %s".formatted(folder, step, firstLine(e)),
              "give this user the rights there, or set " + key + " to another folder"));
    }
  }

  /** Leaves a file for the other machines to find. */
  public void leave(String folder, String name) throws IOException {
    Path file = new Path(folder, name);
    write(Publisher.fileSystem(file, hadoop), file, name);
  }

  /** Takes such a file away, and the folder too where it was made for it. */
  public void takeAway(String folder, String name, boolean folderToo) throws IOException {
    FileSystem fs = Publisher.fileSystem(new Path(folder), hadoop);
    fs.delete(new Path(folder, name), false);
    if (folderToo && fs.exists(new Path(folder)) && fs.listStatus(new Path(folder)).length == 0) {
      fs.delete(new Path(folder), false);
    }
  }

  public boolean exists(String folder) throws IOException {
    return Publisher.fileSystem(new Path(folder), hadoop).exists(new Path(folder));
  }

  /** Whether this machine finds what {@link #leave} left on another. */
  public Finding shared(String check, String key, String folder, String name) {
    Path file = new Path(folder, name);
    try {
      if (read(Publisher.fileSystem(file, hadoop), file).equals(name)) {
        return Finding.ok(check, folder + " is the driver's");
      }
    } catch (IOException | RuntimeException e) {
      return Finding.fail(
          check,
          "%s is not the driver's: what it wrote there is not here (%s)"
              .formatted(folder, firstLine(e)),
          "set %s to storage that all machines share: hdfs:, s3a:, or file: on a shared mount"
              .formatted(key));
    }
    return Finding.fail(check, folder + " holds other bytes than the driver wrote", "");
  }

  /**
   * Reads the first byte of each file.
   *
   * @param required paths in the folder that must be there
   */
  public Finding readable(String check, String key, String folder, List<String> required) {
    Path root = new Path(folder);
    try {
      FileSystem fs = Publisher.fileSystem(root, hadoop);
      FileStatus status = fs.getFileStatus(root);
      List<String> missing = new ArrayList<>();
      for (String path : required) {
        if (!fs.exists(new Path(root, path))) {
          missing.add(path);
        }
      }
      if (!missing.isEmpty()) {
        return Finding.fail(
            check,
            folder + " has no " + String.join(", no ", missing),
            "let %s name a whole model folder".formatted(key));
      }
      int files = 0;
      long bytes = 0;
      if (status.isFile()) {
        readByte(fs, status);
        return Finding.ok(check, folder + " can be read");
      }
      for (RemoteIterator<? extends FileStatus> all = FilesUnder.of(fs, root); all.hasNext(); ) {
        FileStatus file = all.next();
        bytes += file.getLen();
        if (files++ < MOST_FILES) {
          readByte(fs, file);
        }
      }
      return Finding.ok(
          check,
          String.format(
              Locale.ROOT, "%s: %,d files, %.1f MB, can be read", folder, files, bytes / 1e6));
    } catch (FileNotFoundException e) {
      return Finding.fail(
          check, folder + " is not there", "let %s name a folder that is".formatted(key));
    } catch (IOException | RuntimeException e) {
      return Finding.fail(
          check,
          "%s cannot be read: %s".formatted(folder, firstLine(e)),
          "give this user the right to read there, or set %s to another folder".formatted(key));
    }
  }

  private static void readByte(FileSystem fs, FileStatus file) throws IOException {
    try (InputStream in = fs.open(file.getPath())) {
      if (in.read() < 0 && file.getLen() > 0) {
        throw new IOException(file.getPath() + " ends before its first byte");
      }
    }
  }

  private static void write(FileSystem fs, Path file, String text) throws IOException {
    try (OutputStream out = fs.create(file, true)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
  }

  private static String read(FileSystem fs, Path file) throws IOException {
    try (InputStream in = fs.open(file)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static String firstLine(Exception e) {
    return e.toString().lines().findFirst().orElse("");
  }
}
