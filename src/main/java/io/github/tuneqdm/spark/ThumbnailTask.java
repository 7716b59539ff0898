package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.parallel.Ahead;
import io.github.tuneqdm.storage.Publisher;
import java.io.Serializable;
import java.util.List;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes and publishes the thumbnails that the report misses of one subject, in one Spark task. */
record ThumbnailTask(
    String runId,
    TuneQdmConfig config,
    String subject,
    List<SubjectEntry.Photo> photos,
    List<ImageRow> pictures)
    implements Serializable {
  private static final Logger LOG = LoggerFactory.getLogger(ThumbnailTask.class);

  /** Returns how many were published. */
  Integer run(TaskEnvironment environment) {
    LogContext.subject(subject);
    RunFolder run = RunFolder.of(config.storageRuns(), runId, environment.hadoop());
    List<Integer> ofPhotos =
        Ahead.all(
            photos,
            photo ->
                publish(
                    run,
                    photo.sha256(),
                    photo.shown(),
                    () -> photo.bytes(environment.hadoop(), config.dataMaxPhotoBytes())));
    List<Integer> ofPictures =
        Ahead.all(
            pictures,
            picture ->
                publish(
                    run,
                    picture.sha256(),
                    picture.imagePath(),
                    () -> run.read(picture.imagePath())));
    return ofPhotos.stream().mapToInt(n -> n).sum() + ofPictures.stream().mapToInt(n -> n).sum();
  }

  private int publish(RunFolder run, String sha256, String name, Supplier<byte[]> file) {
    try {
      Thumbnail thumbnail = Thumbnail.of(file.get(), name, config.dataMaxPixels());
      Publisher.publishOrAdopt(
          run.fileSystem(),
          run.path(
              "%s/%s/%s.%s"
                  .formatted(
                      Thumbnails.FOLDER, subject, Thumbnails.stem(sha256), thumbnail.extension())),
          thumbnail.bytes());
      return 1;
    } catch (TuneQdmException e) {
      if (e.exitCode() == ExitCode.ENVIRONMENT) {
        throw e;
      }
      LOG.warn("The report cannot show {}: {}", name, e.getMessage());
      return 0;
    }
  }
}
