package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.storage.FilesUnder;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.storage.StorageProblem;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/**
 * A picture somewhere below a folder.
 *
 * @param path fully qualified
 * @param name relative to the folder
 */
record PictureFile(String path, String name) implements Serializable {

  /**
   * The pictures of a folder and of those below, by name. What begins with a dot or an underscore
   * is passed over.
   *
   * @param option that names the folder, for messages
   * @throws TuneQdmException (input data) where there is no such folder or no picture in it
   */
  static List<PictureFile> list(String folder, String option, Configuration hadoop) {
    Path root = new Path(folder);
    FileSystem fs = Publisher.fileSystem(root, hadoop);
    Path qualified = fs.makeQualified(root);
    List<PictureFile> pictures = new ArrayList<>();
    try {
      RemoteIterator<? extends FileStatus> files = FilesUnder.of(fs, qualified);
      while (files.hasNext()) {
        Path file = files.next().getPath();
        String name = qualified.toUri().relativize(file.toUri()).getPath();
        if (ImageReader.looksLikeImage(file.getName()) && !isHidden(name)) {
          pictures.add(new PictureFile(file.toString(), name));
        }
      }
    } catch (FileNotFoundException e) {
      throw TuneQdmException.inputData(
          "Cannot read pictures in %s: there is no such folder (%s)".formatted(folder, option), e);
    } catch (IOException e) {
      throw StorageProblem.environment("Cannot read pictures in " + folder, e);
    }
    if (pictures.isEmpty()) {
      throw TuneQdmException.inputData(
          "Cannot find a picture in %s (%s)".formatted(folder, option));
    }
    pictures.sort(Comparator.comparing(PictureFile::name));
    return List.copyOf(pictures);
  }

  private static boolean isHidden(String name) {
    return Arrays.stream(name.split("/")).anyMatch(p -> p.startsWith(".") || p.startsWith("_"));
  }

  byte[] bytes(Configuration hadoop, long mostBytes) {
    return new SubjectEntry.Photo(path, "").bytes(hadoop, mostBytes);
  }
}
