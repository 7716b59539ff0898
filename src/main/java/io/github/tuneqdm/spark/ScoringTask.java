package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.Similarity;
import io.github.tuneqdm.scoring.ImageScorer;
import io.github.tuneqdm.tensor.Compute;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
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
    Configuration hadoop = environment.hadoop();
    RunFolder run = RunFolder.of(config.storageRuns(), runId, hadoop);
    List<RgbImage> photos =
        subject.photos().stream()
            .map(p -> ImageReader.read(p.bytes(hadoop), p.path(), config.dataMaxPixels()))
            .toList();
    List<RgbImage> pictures =
        images.stream()
            .map(i -> ImageReader.read(run.read(i.path()), i.path(), config.dataMaxPixels()))
            .toList();
    try (Compute compute = environment.compute(config);
        ImageScorer scorer =
            new ImageScorer(
                compute,
                environment.local(config.modelDino()),
                environment.local(config.modelClip()))) {
      double[] dino = Similarity.imageToImageEach(scorer.dino(pictures), scorer.dino(photos));
      float[][] clip = scorer.clipImage(pictures);
      double[] clipI = Similarity.imageToImageEach(clip, scorer.clipImage(photos));
      List<String> texts = images.stream().map(PlannedImage::scoredText).toList();
      double[] clipT = Similarity.imageToTextEach(clip, scorer.clipText(texts));
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
