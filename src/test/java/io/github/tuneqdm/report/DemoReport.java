package io.github.tuneqdm.report;

import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.image.PngEncoder;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.metrics.EvaluationProtocol;
import io.github.tuneqdm.metrics.FurtherScores;
import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.metrics.Metric;
import io.github.tuneqdm.metrics.PromptSet;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.ScoreTable;
import io.github.tuneqdm.metrics.SubjectScores;
import io.github.tuneqdm.metrics.TokenRule;
import io.github.tuneqdm.report.ReportData.BatchLine;
import io.github.tuneqdm.report.ReportData.Effort;
import io.github.tuneqdm.report.ReportData.FailedSubject;
import io.github.tuneqdm.report.ReportData.LeftOut;
import io.github.tuneqdm.report.ReportData.Picture;
import io.github.tuneqdm.report.ReportData.Progress;
import io.github.tuneqdm.report.ReportData.Sample;
import io.github.tuneqdm.report.ReportData.Setting;
import io.github.tuneqdm.report.ReportData.StepLoss;
import io.github.tuneqdm.report.ReportData.SubjectReport;
import io.github.tuneqdm.report.Tradeoff.Point;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Random;

/** Reports in the shape of the demo's: real photos stand in for samples, scores are drawn. */
final class DemoReport {
  private static final Path TOYWORLD = Path.of("src/demo/toyworld");
  private static final List<String> ALL_METHODS =
      List.of(Methods.UNTUNED, Methods.QUANTISED_UNTUNED, Methods.TUNED);

  private final List<String> methods;
  private final int imagesPerPrompt;
  private final Random random = new Random(3);
  private final PromptSet prompts = PromptSet.read(TOYWORLD.resolve("prompts.txt"));
  private final EvaluationProtocol protocol;
  private final List<ScoreRow> rows = new ArrayList<>();
  private final List<SubjectReport> subjects = new ArrayList<>();

  private DemoReport(List<String> methods, int imagesPerPrompt) {
    this.methods = methods;
    this.imagesPerPrompt = imagesPerPrompt;
    this.protocol =
        new EvaluationProtocol(
            prompts,
            TokenRule.SCORE_WITHOUT_IDENTIFIER,
            imagesPerPrompt,
            "ddim",
            25,
            5,
            1000,
            Map.of(
                "dino",
                "64 x 64, mean 0.5, deviation 0.5",
                "clip",
                "64 x 64, CLIP's mean and deviation"),
            Map.of("base", "3f".repeat(32), "dino", "a7".repeat(32), "clip", "09".repeat(32)),
            null);
  }

  static ReportData withBaselines() {
    DemoReport demo = new DemoReport(ALL_METHODS, 2);
    for (String noun : List.of("ball", "cube", "mug", "donut")) {
      demo.add(noun + "1", noun, List.of());
    }
    return demo.data(List.of(), Optional.empty());
  }

  static ReportData tunedOnlyWithAFailure() {
    DemoReport demo = new DemoReport(List.of(Methods.TUNED), 4);
    demo.add(
        "star1",
        "star",
        List.of(
            new LeftOut(
                "IMG_2041.jpg",
                "Cannot read star1/IMG_2041.jpg: the file ends in the middle of its pixels")));
    demo.add("teapot1", "teapot", List.of());
    return demo.data(
        List.of(
            new FailedSubject(
                "bottle1",
                "Cannot read subjects/bottle1/03.jpg: 50000 x 50000 pixels exceed the 64-megapixel"
                    + " limit (tuneqdm.data.max-pixels)"),
            new FailedSubject(
                "vase1", "Its loss is not a number since step 212 (lower the learning rate)")),
        Optional.empty());
  }

  /** DreamBooth's protocol: 30 subjects, 25 prompts, 4 images. */
  static ReportData full() {
    return full(List.of(Methods.TUNED));
  }

  static ReportData fullWithBaselines() {
    return full(ALL_METHODS);
  }

  private static ReportData full(List<String> methods) {
    DemoReport demo = new DemoReport(methods, 4);
    for (int i = 0; i < 30; i++) {
      demo.add(Html.format("subject%02d", i), "mug", List.of());
    }
    return demo.data(List.of(), Optional.empty());
  }

  static ReportData live(Instant written) {
    DemoReport demo = new DemoReport(List.of(), 1);
    List<BatchLine> batches = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      List<StepLoss> losses = demo.losses().subList(0, 120 + 20 * i);
      batches.add(new BatchLine(i, 4, 120 + 20 * i, 400, losses));
    }
    return demo.data(
        List.of(new FailedSubject("bottle1", "Cannot read bottle1: it has no photos")),
        Optional.of(
            new Progress(
                "Training",
                13,
                30,
                "subjects are done or failed",
                "12/30 subjects · step 1640/3200 · loss 0.1312 · 6.02 steps/s · ETA 4:19",
                written,
                batches)));
  }

  private void add(String name, String noun, List<LeftOut> leftOut) {
    List<Picture> photos = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      photos.add(
          new Picture(i + ".png", Optional.of(thumbnail(name, "photo" + i)), Optional.empty()));
    }
    List<Sample> samples = new ArrayList<>();
    for (int p = 0; p < prompts.size(); p++) {
      for (String method : methods) {
        double likeness = method.equals(Methods.TUNED) ? 0.19 : 0.03;
        for (int image = 0; image < imagesPerPrompt; image++) {
          long seed = protocol.seed(p, image);
          ScoreRow row =
              new ScoreRow(
                  name,
                  method,
                  p,
                  prompts.prompts("sks", noun).get(p),
                  seed,
                  Html.format("images/%s/%02d-%d.png", name, p, seed),
                  likeness + 0.08 * random.nextGaussian(),
                  0.6 + likeness + 0.04 * random.nextGaussian(),
                  0.66 - likeness / 3 + 0.05 * random.nextGaussian());
          rows.add(row);
          String stem = Html.format("%02d%d-%d", p, methods.indexOf(method), seed);
          samples.add(
              new Sample(
                  row,
                  new Picture(
                      Html.format("%02d-%d.png", p, seed),
                      Optional.of(thumbnail(name, stem)),
                      Optional.of("../" + row.imagePath()))));
        }
      }
    }
    Effort effort =
        new Effort(
            OptionalLong.of(612_744),
            OptionalLong.of(2_451_000 + random.nextInt(1000)),
            OptionalLong.empty(),
            OptionalDouble.of(5 + random.nextDouble()));
    subjects.add(new SubjectReport(name, noun, photos, leftOut, samples, losses(), effort));
  }

  private static String thumbnail(String subject, String stem) {
    return "thumbs/" + subject + "/" + stem + ".png";
  }

  /** A subject's, as an evaluation with prior pictures gives them. */
  private static List<SubjectScores> together(ScoreTable scores) {
    return scores.methods().stream()
        .map(
            m ->
                new SubjectScores(
                    "mug1", m, 50, 0, 0, 0, 0.6, 0.63, 0.7, 0.4, 8, 0.1, "5f".repeat(32)))
        .toList();
  }

  private ReportData data(List<FailedSubject> failures, Optional<Progress> progress) {
    ScoreTable scores = ScoreTable.summarise(rows);
    List<Point> storage = new ArrayList<>();
    List<Point> memory = new ArrayList<>();
    for (String method : scores.methods()) {
      double stored = method.equals(Methods.TUNED) ? 2.45 : 0;
      storage.add(new Point(method, stored, scores.interval(method, Metric.DINO)));
      double weights = method.equals(Methods.UNTUNED) ? 3438 : 437;
      memory.add(new Point(method, weights, scores.interval(method, Metric.DINO)));
    }
    return new ReportData(
        "r-5c1e09ab47d2",
        Instant.parse("2026-11-21T14:03:20Z"),
        List.of(
            new Setting("tuneqdm.model.base", "src/demo/toyworld/base"),
            new Setting("tuneqdm.quantizer.bits", "4"),
            new Setting("tuneqdm.tuning.experts", "4"),
            new Setting("tuneqdm.tuning.steps", "400"),
            new Setting("tuneqdm.tuning.learning-rate", "1.0E-4"),
            new Setting("tuneqdm.data.resolution", "64")),
        scores,
        FurtherScores.of(together(scores)),
        scores.methods().size() < 2
            ? List.of()
            : List.of(
                new Tradeoff("Quality and storage", "MB stored a subject", "DINO", storage),
                new Tradeoff("Quality and memory", "MB of UNet weights", "DINO", memory)),
        subjects,
        failures,
        scores.methods().isEmpty() ? Optional.empty() : Optional.of(protocol),
        progress);
  }

  private List<StepLoss> losses() {
    List<StepLoss> losses = new ArrayList<>();
    for (int step = 1; step <= 400; step++) {
      double level = 0.12 + 0.1 * Math.exp(-step / 90.0);
      losses.add(new StepLoss(step, level * Math.exp(0.35 * random.nextGaussian())));
    }
    return losses;
  }

  /** Writes the page with real PNGs for its thumbnails and their originals. */
  static Path write(ReportData data, Path run) throws IOException {
    Path report = Files.createDirectories(run.resolve("report"));
    Path page = report.resolve("index.html");
    try (OutputStream out = Files.newOutputStream(page)) {
      HtmlReport.write(data, out);
    }
    List<byte[]> pictures = pictures();
    Random random = new Random(5);
    for (SubjectReport subject : data.subjects()) {
      Files.createDirectories(run.resolve("images/" + subject.name()));
      Files.createDirectories(report.resolve("thumbs/" + subject.name()));
      for (Picture photo : subject.photos()) {
        Files.write(report.resolve(photo.thumbnail().orElseThrow()), any(pictures, random));
      }
      for (Sample sample : subject.samples()) {
        byte[] picture = any(pictures, random);
        Files.write(report.resolve(sample.picture().thumbnail().orElseThrow()), picture);
        Files.write(report.resolve(sample.picture().original().orElseThrow()).normalize(), picture);
      }
    }
    return page;
  }

  private static byte[] any(List<byte[]> pictures, Random random) {
    return pictures.get(random.nextInt(pictures.size()));
  }

  /** The demo's photos, read and written again. */
  private static List<byte[]> pictures() throws IOException {
    List<byte[]> pictures = new ArrayList<>();
    for (String subject : List.of("ball1", "cube1", "mug1", "donut1", "star1", "teapot1")) {
      for (int i = 0; i < 5; i++) {
        Path file = TOYWORLD.resolve("subjects").resolve(subject).resolve(i + ".png");
        RgbImage picture = ImageReader.read(file, 1 << 20);
        pictures.add(PngEncoder.encode(picture, Map.of()));
      }
    }
    return pictures;
  }
}
