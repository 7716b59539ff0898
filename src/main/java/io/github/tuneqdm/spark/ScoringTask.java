package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.Similarity;
import io.github.tuneqdm.scoring.ImageScorer;
import io.github.tuneqdm.scoring.PictureEncoders;
import io.github.tuneqdm.tensor.Compute;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;

/**
 * Scores all pictures of one subject against its photos and prompts, in one Spark task.
 *
 * @param images of every method
 */
record ScoringTask(
    String runId, TuneQdmConfig config, SubjectEntry subject, List<PlannedImage> images)
    implements Serializable {

  /** DINO, CLIP-I and CLIP-T of each picture, in the order of {@link #images}. */
  double[][] run(TaskEnvironment environment) {
    LogContext.subject(subject.name());
    Configuration hadoop = environment.hadoop();
    RunFolder run = RunFolder.of(config.storageRuns(), runId, hadoop);
    long maxPixels = config.dataMaxPixels();
    long mostBytes = config.dataMaxPhotoBytes();
    List<Supplier<RgbImage>> photos = new ArrayList<>();
    subject
        .photos()
        .forEach(
            p ->
                photos.add(
                    () -> ImageReader.read(p.bytes(hadoop, mostBytes), p.path(), maxPixels)));
    List<Supplier<RgbImage>> pictures = new ArrayList<>();
    images.forEach(
        i -> pictures.add(() -> ImageReader.read(run.read(i.path()), i.path(), maxPixels)));
    try (Compute compute = environment.compute(config);
        ImageScorer scorer =
            new ImageScorer(
                compute,
                environment.local(config.modelDino()),
                environment.local(config.modelClip()))) {
      PictureEncoders.Features real = scorer.pictures(photos);
      PictureEncoders.Features made = scorer.pictures(pictures);
      double[] dino = Similarity.imageToImageEach(made.dino(), real.dino());
      double[] clipI = Similarity.imageToImageEach(made.clip(), real.clip());
      List<String> texts = images.stream().map(PlannedImage::scoredText).toList();
      double[] clipT = Similarity.imageToTextEach(made.clip(), scorer.clipText(texts));
      double[][] scores = new double[images.size()][];
      for (int i = 0; i < scores.length; i++) {
        scores[i] = new double[] {dino[i], clipI[i], clipT[i]};
      }
      return scores;
    }
  }

  /** The rows that the figures of {@link #run} make. */
  List<ScoreRow> rows(double[][] scores) {
    List<ScoreRow> rows = new ArrayList<>();
    for (int i = 0; i < images.size(); i++) {
      PlannedImage image = images.get(i);
      rows.add(
          new ScoreRow(
              image.subject(),
              image.method(),
              image.promptIndex(),
              image.prompt(),
              image.seed(),
              image.path(),
              scores[i][0],
              scores[i][1],
              scores[i][2]));
    }
    return rows;
  }
}
