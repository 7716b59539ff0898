package io.github.tuneqdm.storage;

import java.io.FileNotFoundException;
import java.io.IOException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/** Moves that can be cut short and finished later: on object stores each file is copied. */
public final class Moves {
  private Moves() {}

  /**
   * Moves a file or a folder with all in it, into what is at the target already. Nothing at the
   * source means that nothing is left to move.
   */
  public static void move(FileSystem fs, Path from, Path to) throws IOException {
    if (!fs.exists(from)) {
      return;
    }
    fs.mkdirs(to.getParent());
    if (!fs.exists(to)) {
      rename(fs, from, to);
      return;
    }
    String source = fs.makeQualified(from).toUri().getPath();
    for (RemoteIterator<? extends FileStatus> files = FilesUnder.of(fs, from); files.hasNext(); ) {
      Path file = files.next().getPath();
      Path target = new Path(to.toString() + file.toUri().getPath().substring(source.length()));
      fs.mkdirs(target.getParent());
      fs.delete(target, false); // copied before, or of an older move
      rename(fs, file, target);
    }
    fs.delete(from, true);
  }

  private static void rename(FileSystem fs, Path from, Path to) throws IOException {
    if (!fs.rename(from, to)) {
      throw new FileNotFoundException("cannot move " + from + " to " + to);
    }
  }
}
