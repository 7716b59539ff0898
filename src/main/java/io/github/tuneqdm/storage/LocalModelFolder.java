package io.github.tuneqdm.storage;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.EtagSource;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.RemoteIterator;

/**
 * Brings a folder to this machine's disk, since weights are memory-mapped. A folder on {@code
 * file:} is used where it is; any other is copied once into a cache, under a name made from its
 * address and its files' names, lengths, times and tags, so that a changed folder is copied anew.
 * Processes and threads that want the same folder at the same time wait for one copy.
 */
public final class LocalModelFolder {
  /** File locks hold between processes; these hold between the threads of this one. */
  private static final ConcurrentMap<Path, Object> THREAD_LOCKS = new ConcurrentHashMap<>();

  private LocalModelFolder() {}

  /** Where a folder was found. */
  public enum Origin {
    /** On this machine's disk. */
    LOCAL,
    /** In the cache, from an earlier copy. */
    CACHED,
    /** On other storage: it was copied just now. */
    COPIED
  }

  /** A folder on this machine's disk. */
  public record Found(Path path, Origin origin) {}

  /** A file of the folder. */
  private record RemoteFile(String name, FileStatus status) {}

  /**
   * A local folder with the same files.
   *
   * @param folder the folder, with or without a scheme
   * @param cache local folder for copies; made where it is not there
   * @throws TuneQdmException (input data) where the folder is not there or is empty; (environment)
   *     where the storage cannot be reached or the cache cannot be written
   */
  public static Path localise(
      org.apache.hadoop.fs.Path folder, Configuration configuration, Path cache) {
    return find(folder, configuration, cache).path();
  }

  /** As {@link #localise}, and says where the folder was found. */
  public static Found find(
      org.apache.hadoop.fs.Path folder, Configuration configuration, Path cache) {
    FileSystem fs = Publisher.fileSystem(folder, configuration);
    try {
      FileStatus status = fs.getFileStatus(folder);
      if (!status.isDirectory()) {
        throw TuneQdmException.inputData(
            "Cannot read the folder %s: it is a file".formatted(folder));
      }
      if (fs instanceof RawLocalFileSystem local) {
        return new Found(local.pathToFile(folder).toPath(), Origin.LOCAL);
      }
      List<RemoteFile> files = list(fs, status.getPath());
      if (files.isEmpty()) {
        throw TuneQdmException.inputData(
            "Cannot read the folder %s: it is empty".formatted(folder));
      }
      return cached(fs, status.getPath(), files, cache);
    } catch (FileNotFoundException e) {
      throw TuneQdmException.inputData(
          "Cannot read the folder %s: there is no such folder".formatted(folder), e);
    } catch (IOException e) {
      throw StorageProblem.environment("Cannot bring %s to this machine".formatted(folder), e);
    }
  }

  private static List<RemoteFile> list(FileSystem fs, org.apache.hadoop.fs.Path folder)
      throws IOException {
    String base = folder.toUri().getPath() + "/";
    List<RemoteFile> files = new ArrayList<>();
    for (RemoteIterator<? extends FileStatus> all = FilesUnder.of(fs, folder); all.hasNext(); ) {
      FileStatus file = all.next();
      if (Attempts.isAttempt(file.getPath().getName())) {
        continue; // someone else's, and soon gone
      }
      String path = file.getPath().toUri().getPath();
      String name = path.startsWith(base) ? path.substring(base.length()) : "";
      if (!Path.of("/x").resolve(name).normalize().startsWith("/x") || name.isEmpty()) {
        throw new IOException("it lists '%s', which is not in it".formatted(path));
      }
      files.add(new RemoteFile(name, file));
    }
    files.sort(Comparator.comparing(RemoteFile::name));
    return files;
  }

  private static Found cached(
      FileSystem fs, org.apache.hadoop.fs.Path folder, List<RemoteFile> files, Path cache)
      throws IOException {
    String name = folder.getName() + "-" + key(fs.makeQualified(folder), files);
    Path target = cache.resolve(name);
    Files.createDirectories(cache);
    Path lockFile = cache.resolve("." + name + ".lock");
    synchronized (THREAD_LOCKS.computeIfAbsent(lockFile.toAbsolutePath(), path -> new Object())) {
      try (FileChannel channel =
              FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock lock = channel.lock()) {
        if (isWhole(target, files)) {
          return new Found(target, Origin.CACHED);
        }
        if (lock.isValid()) {
          sweep(cache, name); // whoever was killed while copying did so under this lock
          copy(fs, files, cache, target);
        }
      }
    }
    return new Found(target, Origin.COPIED);
  }

  private static String key(org.apache.hadoop.fs.Path folder, List<RemoteFile> files) {
    StringBuilder text = new StringBuilder(folder.toString()).append('\n');
    for (RemoteFile file : files) {
      FileStatus status = file.status;
      String tag = status instanceof EtagSource source ? source.getEtag() : "";
      text.append(
          "%s %d %d %s\n".formatted(file.name, status.getLen(), status.getModificationTime(), tag));
    }
    return Hashes.sha256(text.toString()).substring(0, 16);
  }

  private static boolean isWhole(Path target, List<RemoteFile> files) throws IOException {
    for (RemoteFile file : files) {
      Path local = target.resolve(file.name);
      if (!Files.isRegularFile(local) || Files.size(local) != file.status.getLen()) {
        return false;
      }
    }
    return true;
  }

  /** Copies under a name of its own and renames last, so that a copy is whole or absent. */
  private static void copy(FileSystem fs, List<RemoteFile> files, Path cache, Path target)
      throws IOException {
    Path attempt = cache.resolve("." + target.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      for (RemoteFile file : files) {
        Path local = attempt.resolve(file.name);
        Files.createDirectories(local.getParent());
        try (InputStream in = fs.open(file.status.getPath())) {
          Files.copy(in, local);
        }
        if (Files.size(local) != file.status.getLen()) {
          throw new FileSystemException(
              file.name,
              null,
              "%d of %d bytes arrived".formatted(Files.size(local), file.status.getLen()));
        }
      }
      deleteRecursively(target); // what a damaged copy left
      Files.move(attempt, target, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      deleteRecursively(attempt);
    }
  }

  private static void sweep(Path cache, String name) throws IOException {
    try (Stream<Path> left = Files.list(cache)) {
      for (Path path : left.toList()) {
        String attempt = path.getFileName().toString();
        if (attempt.startsWith("." + name + ".") && Attempts.isAttempt(attempt)) {
          deleteRecursively(path);
        }
      }
    }
  }

  private static void deleteRecursively(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
