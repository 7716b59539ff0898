package io.github.tuneqdm.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.NoSuchElementException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/** The files in a folder and in all folders below it. */
public final class FilesUnder {
  private FilesUnder() {}

  /**
   * Lists them in the storage's order, a part at a time.
   *
   * @param folder or a file, which is then the only one
   * @throws java.io.FileNotFoundException at once or later, where there is no such folder
   */
  public static RemoteIterator<? extends FileStatus> of(FileSystem fs, Path folder)
      throws IOException {
    // On a local disk Hadoop's own list starts a process for each file, to ask for its owner.
    return fs.getUri().getScheme().equals("file")
        ? new Walk(fs, folder)
        : fs.listFiles(folder, true);
  }

  private static final class Walk implements RemoteIterator<FileStatus> {
    private final FileSystem fs;
    private final Deque<FileStatus> found = new ArrayDeque<>();

    Walk(FileSystem fs, Path folder) throws IOException {
      this.fs = fs;
      enter(folder);
    }

    /** Links to folders may lead in circles, and what is neither folder nor file never ends. */
    private void enter(Path folder) throws IOException {
      for (FileStatus status : fs.listStatus(folder)) {
        java.nio.file.Path path = java.nio.file.Path.of(status.getPath().toUri().getPath());
        if (status.isDirectory() ? !Files.isSymbolicLink(path) : Files.isRegularFile(path)) {
          found.push(status);
        }
      }
    }

    @Override
    public boolean hasNext() throws IOException {
      while (!found.isEmpty() && found.peek().isDirectory()) {
        enter(found.pop().getPath());
      }
      return !found.isEmpty();
    }

    @Override
    public FileStatus next() throws IOException {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return found.pop();
    }
  }
}
