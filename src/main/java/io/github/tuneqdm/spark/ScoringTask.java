package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.ScoreTable;
import io.github.tuneqdm.metrics.Scores;
import io.github.tuneqdm.metrics.Similarity;
import io.github.tuneqdm.metrics.SubjectScores;
import io.github.tuneqdm.scoring.ImageScorer;
import io.github.tuneqdm.scoring.PictureEncoders;
import io.github.tuneqdm.tensor.Compute;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;

/**
 * Scores all pictures of one subject against its photos and prompts, in one Spark task.
 *
 * @param images of every method, to be scored one by one
 * @param priors of every method: pictures of the plain class
 */
record ScoringTask(
    String runId,
    TuneQdmConfig config,
    SubjectEntry subject,
    List<PlannedImage> images,
    List<PlannedImage> priors)
    implements Serializable {

  /**
   * @param rows one an image, in the order of {@link #images}
   * @param together one a method
   */
  record Scored(List<ScoreRow> rows, List<SubjectScores> together) implements Serializable {}

  /**
   * @param pictures all of the subject's, prior ones among them
   */
  static ScoringTask of(
      String runId, TuneQdmConfig config, SubjectEntry subject, List<PlannedImage> pictures) {
    return new ScoringTask(
        runId,
        config,
        subject,
        pictures.stream().filter(picture -> !picture.isPrior()).toList(),
        pictures.stream().filter(PlannedImage::isPrior).toList());
  }

  Scored run(TaskEnvironment environment) {
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
    Stream.concat(images.stream(), priors.stream())
        .forEach(
            i -> pictures.add(() -> ImageReader.read(run.read(i.path()), i.path(), maxPixels)));
    try (Compute compute = environment.compute(config);
        ImageScorer scorer =
            new ImageScorer(
                compute,
                environment.local(config.modelDino()),
                environment.local(config.modelClip()))) {
      PictureEncoders.Features real = scorer.pictures(photos);
      PictureEncoders.Features made = scorer.pictures(pictures);
      float[][] dino = Arrays.copyOf(made.dino(), images.size());
      float[][] clip = Arrays.copyOf(made.clip(), images.size());
      float[][] priorDino = Arrays.copyOfRange(made.dino(), images.size(), pictures.size());
      List<ScoreRow> rows =
          rows(
              Similarity.imageToImageEach(dino, real.dino()),
              Similarity.imageToImageEach(clip, real.clip()),
              clipT(scorer, clip, PlannedImage::scoredText));
      double[] clipTWithIdentifier = clipT(scorer, clip, PlannedImage::prompt);
      ScoreTable table = ScoreTable.summarise(rows);
      List<SubjectScores> together = new ArrayList<>();
      for (String method : table.methods()) {
        Scores means = table.scores(subject.name(), method).orElseThrow();
        float[][] prior = rowsOf(method, priors, priorDino);
        together.add(
            new SubjectScores(
                subject.name(),
                method,
                rowsOf(method, images, dino).length,
                means.dino(),
                means.clipI(),
                means.clipT(),
                meanOverPrompts(method, clipTWithIdentifier),
                ceiling(real.dino()),
                ceiling(real.clip()),
                diversity(method, dino),
                prior.length,
                prior.length == 0 ? null : Similarity.imageToImage(prior, real.dino()),
                subject.photosSha256()));
      }
      return new Scored(rows, together);
    }
  }

  private double[] clipT(
      ImageScorer scorer, float[][] clip, Function<PlannedImage, String> textOf) {
    return Similarity.imageToTextEach(clip, scorer.clipText(images.stream().map(textOf).toList()));
  }

  private static Double ceiling(float[][] real) {
    return real.length < 2 ? null : Similarity.realAgainstReal(real);
  }

  private static float[][] rowsOf(String method, List<PlannedImage> images, float[][] features) {
    return IntStream.range(0, images.size())
        .filter(i -> images.get(i).method().equals(method))
        .mapToObj(i -> features[i])
        .toArray(float[][]::new);
  }

  /** The pictures of a method, by prompt. */
  private Collection<List<Integer>> byPrompt(String method) {
    return IntStream.range(0, images.size())
        .filter(i -> images.get(i).method().equals(method))
        .boxed()
        .collect(
            Collectors.groupingBy(
                i -> images.get(i).promptIndex(), TreeMap::new, Collectors.toList()))
        .values();
  }

  private double meanOverPrompts(String method, double[] values) {
    return byPrompt(method).stream()
        .mapToDouble(prompt -> prompt.stream().mapToDouble(i -> values[i]).average().orElseThrow())
        .average()
        .orElseThrow();
  }

  /** Null where no prompt has two pictures. */
  private Double diversity(String method, float[][] dino) {
    OptionalDouble mean =
        byPrompt(method).stream()
            .filter(prompt -> prompt.size() > 1)
            .map(prompt -> prompt.stream().map(i -> dino[i]).toArray(float[][]::new))
            .mapToDouble(Similarity::diversity)
            .average();
    return mean.isPresent() ? mean.getAsDouble() : null;
  }

  private List<ScoreRow> rows(double[] dino, double[] clipI, double[] clipT) {
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
              dino[i],
              clipI[i],
              clipT[i]));
    }
    return rows;
  }
}
