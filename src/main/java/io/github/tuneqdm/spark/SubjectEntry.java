package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.storage.StorageProblem;
import io.github.tuneqdm.tuning.SubjectOverrides;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
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

  /** The subject without the photos that it was trained without. */
  SubjectEntry without(List<RejectedPhoto> rejects) {
    Set<String> names = rejects.stream().map(RejectedPhoto::photo).collect(Collectors.toSet());
    return new SubjectEntry(
        name,
        classNoun,
        identifier,
        instancePrompt,
        photos.stream().filter(photo -> !names.contains(photo.fileName())).toList(),
        overrides);
  }

  /** Tells these photos from others, wherever they lie. */
  String photosSha256() {
    return Hashes.sha256(photos.stream().map(Photo::sha256).collect(Collectors.joining("\n")));
  }

  /** The instance prompt without the identifier: what class images are made with. */
  String classPrompt() {
    return instancePrompt.replace(" " + identifier + " ", " ");
  }

  /**
   * @param path fully qualified
   * @param sha256 of the file's bytes; of the problem where they are not to be read
   * @param problem why the file is not to be opened at all; empty for nearly all
   */
  public record Photo(String path, String sha256, String problem) implements Serializable {
    Photo(String path, String sha256) {
      this(path, sha256, "");
    }

    static Photo refused(String path, String problem) {
      return new Photo(path, Hashes.sha256(problem), problem);
    }

    String fileName() {
      return path.substring(path.lastIndexOf('/') + 1);
    }

    /** What messages call it: the same wherever the data folder lies. */
    String shown() {
      return path.substring(path.lastIndexOf('/', path.lastIndexOf('/') - 1) + 1);
    }

    /**
     * @throws TuneQdmException (input data) where it is larger or not to be opened, (environment)
     *     where storage fails
     */
    byte[] bytes(Configuration hadoop, long mostBytes) {
      if (!problem.isEmpty()) {
        throw TuneQdmException.inputData("Cannot read " + shown() + ": " + problem);
      }
      Path file = new Path(path);
      FileSystem fs = Publisher.fileSystem(file, hadoop);
      try (InputStream in = fs.open(file)) {
        byte[] bytes = in.readNBytes((int) mostBytes + 1);
        if (bytes.length > mostBytes) {
          throw TuneQdmException.inputData(
              "Cannot read " + shown() + ": " + tooLarge(bytes.length, mostBytes));
        }
        return bytes;
      } catch (IOException e) {
        throw StorageProblem.environment("Cannot read " + path, e);
      }
    }

    static String tooLarge(long bytes, long mostBytes) {
      return "%d bytes exceed the limit of %d (tuneqdm.data.max-photo-bytes)"
          .formatted(bytes, mostBytes);
    }
  }
}
