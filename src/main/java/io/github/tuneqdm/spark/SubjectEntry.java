package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.tuning.SubjectOverrides;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A subject as the data folder has it.
 *
 * @param name folder name, see {@link SubjectName}
 * @param classNoun what it is, such as {@code mug}
 * @param identifier the rare token that stands for it, such as {@code sks}
 * @param instancePrompt what its photos are trained with, such as {@code a photo of a sks mug}
 * @param photos in name order; may be empty
 * @param overrides what it trains with in the place of the configuration's own
 */
public record SubjectEntry(
    String name,
    String classNoun,
    String identifier,
    String instancePrompt,
    List<Photo> photos,
    SubjectOverrides overrides)
    implements Serializable {

  public SubjectEntry {
    photos = List.copyOf(photos);
  }

  /** The instance prompt without the identifier: what class images are made with. */
  String classPrompt() {
    return instancePrompt.replace(" " + identifier + " ", " ");
  }

  /**
   * @param path fully qualified
   * @param sha256 of the file's bytes
   */
  public record Photo(String path, String sha256) implements Serializable {
    byte[] bytes(Configuration hadoop) {
      Path file = new Path(path);
      FileSystem fs = Publisher.fileSystem(file, hadoop);
      try (InputStream in = fs.open(file)) {
        return in.readAllBytes();
      } catch (IOException e) {
        throw TuneQdmException.environment("Cannot read " + path + ": " + e, e);
      }
    }
  }
}
