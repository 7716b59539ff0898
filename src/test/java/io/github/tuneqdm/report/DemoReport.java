package io.github.tuneqdm.report;

import io.github.tuneqdm.metrics.EvaluationProtocol;
import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.metrics.PromptSet;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.ScoreTable;
import io.github.tuneqdm.metrics.TokenRule;
import io.github.tuneqdm.report.ReportData.FailedSubject;
import io.github.tuneqdm.report.ReportData.Picture;
import io.github.tuneqdm.report.ReportData.Sample;
import io.github.tuneqdm.report.ReportData.Setting;
import io.github.tuneqdm.report.ReportData.StepLoss;
import io.github.tuneqdm.report.ReportData.SubjectReport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A report in the shape of the demo's: real photos stand in for samples, scores are drawn. */
final class DemoReport {
  private static final Path TOYWORLD = Path.of("src/demo/toyworld");
  private static final List<String> ALL_METHODS =
      List.of(Methods.UNTUNED, Methods.QUANTISED_UNTUNED, Methods.TUNED);

  private DemoReport() {}

  static ReportData withBaselines() {
    return data(ALL_METHODS, List.of("ball", "cube", "mug", "donut"), List.of());
  }

  static ReportData tunedOnlyWithAFailure() {
    return data(
        List.of(Methods.TUNED),
        List.of("star", "teapot"),
        List.of(
            new FailedSubject(
                "bottle1",
                "Cannot read subjects/bottle1/03.jpg: 50000 x 50000 pixels exceed the 64-megapixel"
                    + " limit (tuneqdm.data.max-pixels)")));
  }

  private static ReportData data(
      List<String> methods, List<String> classNouns, List<FailedSubject> failures) {
    PromptSet prompts = PromptSet.read(TOYWORLD.resolve("prompts.txt"));
    EvaluationProtocol protocol =
        new EvaluationProtocol(
            prompts,
            TokenRule.SCORE_WITHOUT_IDENTIFIER,
            1,
            "ddim",
            25,
            5,
            1000,
            Map.of(
                "dino",
                "64 x 64, mean 0.5, deviation 0.5",
                "clip",
                "64 x 64, CLIP's mean and deviation"),
            Map.of("base", "3f".repeat(32), "dino", "a7".repeat(32), "clip", "09".repeat(32)));
    Random random = new Random(3);
    List<ScoreRow> rows = new ArrayList<>();
    List<SubjectReport> subjects = new ArrayList<>();
    for (String classNoun : classNouns) {
      String name = classNoun + "1";
      List<Picture> photos = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        photos.add(photo(name, i));
      }
      List<Sample> samples = new ArrayList<>();
      for (int p = 0; p < prompts.size(); p++) {
        for (String method : methods) {
          double likeness = method.equals(Methods.TUNED) ? 0.19 : 0.03;
          ScoreRow row =
              new ScoreRow(
                  name,
                  method,
                  p,
                  prompts.prompts("sks", classNoun).get(p),
                  protocol.seed(p, 0),
                  "images/%s/%d-%d.png".formatted(name, p, protocol.seed(p, 0)),
                  likeness + 0.08 * random.nextGaussian(),
                  0.6 + likeness + 0.04 * random.nextGaussian(),
                  0.66 - likeness / 3 + 0.05 * random.nextGaussian());
          rows.add(row);
          samples.add(new Sample(row, photo(name, (p + methods.indexOf(method)) % 5)));
        }
      }
      subjects.add(new SubjectReport(name, classNoun, photos, List.of(), samples, losses(random)));
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
        ScoreTable.summarise(rows),
        subjects,
        failures,
        protocol);
  }

  private static Picture photo(String subject, int number) {
    Path file = TOYWORLD.resolve("subjects").resolve(subject).resolve(number + ".png");
    return new Picture(file.getFileName().toString(), () -> Files.readAllBytes(file));
  }

  private static List<StepLoss> losses(Random random) {
    List<StepLoss> losses = new ArrayList<>();
    for (int step = 1; step <= 400; step++) {
      double level = 0.12 + 0.1 * Math.exp(-step / 90.0);
      losses.add(new StepLoss(step, level * Math.exp(0.35 * random.nextGaussian())));
    }
    return losses;
  }
}
