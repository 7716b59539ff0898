package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.image.TrainingTransform;
import io.github.tuneqdm.parallel.Ahead;
import io.github.tuneqdm.spark.SubjectEntry.Photo;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/**
 * A subject's photos as training takes them. One that cannot be used is left out and listed with
 * its reason; the subject goes on with the others.
 *
 * @param pictures upright, their shorter side at the resolution: a camera's own size would take a
 *     hundred times the memory
 * @param rejects in name order
 */
record SubjectPhotos(List<RgbImage> pictures, List<RejectedPhoto> rejects) {

  /** One of both is null. */
  private record Attempt(RgbImage picture, RejectedPhoto reject) {}

  /**
   * @throws TuneQdmException (input data) where none is left, (environment) where storage fails
   */
  static SubjectPhotos read(SubjectEntry subject, TuneQdmConfig config, Configuration hadoop) {
    if (subject.photos().isEmpty()) {
      throw TuneQdmException.inputData(
          "Cannot train %s: it has no photos (put JPEG or PNG files into %s/%s)"
              .formatted(subject.name(), config.dataSubjects(), subject.name()));
    }
    List<RgbImage> pictures = new ArrayList<>();
    List<RejectedPhoto> rejects = new ArrayList<>();
    for (Attempt attempt : Ahead.all(subject.photos(), photo -> attempt(photo, config, hadoop))) {
      if (attempt.reject == null) {
        pictures.add(attempt.picture);
      } else {
        rejects.add(attempt.reject);
      }
    }
    if (pictures.isEmpty()) {
      throw TuneQdmException.inputData(
          "Cannot train %s: none of its photos can be used (%s%s)"
              .formatted(
                  subject.name(),
                  rejects.get(0).reason(),
                  rejects.size() == 1 ? "" : "; %d more".formatted(rejects.size() - 1)));
    }
    return new SubjectPhotos(pictures, rejects);
  }

  private static Attempt attempt(Photo photo, TuneQdmConfig config, Configuration hadoop) {
    try {
      byte[] file = photo.bytes(hadoop, config.dataMaxPhotoBytes());
      RgbImage whole = ImageReader.read(file, photo.shown(), config.dataMaxPixels());
      return new Attempt(resized(whole, photo, config.dataResolution()), null);
    } catch (TuneQdmException e) {
      if (e.exitCode() != ExitCode.INPUT_DATA) {
        throw e;
      }
      return new Attempt(null, new RejectedPhoto(photo.fileName(), e.getMessage()));
    }
  }

  private static RgbImage resized(RgbImage whole, Photo photo, int resolution) {
    try {
      return new TrainingTransform(resolution).resize(whole);
    } catch (TuneQdmException e) {
      throw TuneQdmException.inputData(
          "Cannot use %s: %s".formatted(photo.shown(), e.getMessage()), e);
    }
  }
}
