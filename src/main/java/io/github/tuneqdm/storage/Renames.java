package io.github.tuneqdm.storage;

import java.io.File;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.UnsupportedFileSystemException;

/** Renames of finished files, as atomic as the file system can do them. */
final class Renames {
  private Renames() {}

  /**
   * Renames a file.
   *
   * @param replace whether a file at the target gives way
   * @return whether it was done; false where the target is taken and must stay
   */
  static boolean rename(FileSystem fs, Path from, Path to, boolean replace) throws IOException {
    if (fs instanceof RawLocalFileSystem local) {
      return renameLocally(local.pathToFile(from), local.pathToFile(to), replace);
    }
    if (replace) {
      return replace(fs, from, to);
    }
    try {
      return fs.rename(from, to);
    } catch (org.apache.hadoop.fs.FileAlreadyExistsException e) {
      return false;
    }
  }

  private static boolean replace(FileSystem fs, Path from, Path to) throws IOException {
    try {
      FileContext.getFileContext(fs.getUri(), fs.getConf())
          .rename(from, to, Options.Rename.OVERWRITE);
      return true;
    } catch (UnsupportedFileSystemException e) {
      // A scheme that FileContext does not know has no replacing rename.
      fs.delete(to, false);
      return fs.rename(from, to);
    }
  }

  /** Hadoop's local rename replaces a file that is there; a hard link never does. */
  private static boolean renameLocally(File from, File to, boolean replace) throws IOException {
    if (replace) {
      Files.move(
          from.toPath(),
          to.toPath(),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
      return true;
    }
    try {
      Files.createLink(to.toPath(), from.toPath());
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    } catch (FileSystemException | UnsupportedOperationException e) {
      // No hard links here: the check below leaves a gap, but equal attempts write equal bytes.
      if (to.exists()) {
        return false;
      }
      Files.move(from.toPath(), to.toPath(), StandardCopyOption.ATOMIC_MOVE);
      return true;
    }
  }
}
