package io.github.tuneqdm.report;

import io.github.tuneqdm.metrics.EvaluationProtocol;
import io.github.tuneqdm.metrics.FurtherScores;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.ScoreTable;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * Everything a report shows. Texts may hold anything: the report escapes them.
 *
 * @param date of the run, not of the report, so that writing it again gives the same bytes
 * @param settings of the run, in the order in which they are shown
 * @param scores the means; they may cover more images than the subjects' samples show
 * @param further scores of each method besides
 * @param tradeoffs what quality costs
 * @param subjects in the order in which they are shown
 * @param failures subjects that have no result
 * @param protocol of the scores; absent while there are none
 * @param progress of the job that is at work; absent where none is
 */
public record ReportData(
    String runId,
    Instant date,
    List<Setting> settings,
    ScoreTable scores,
    FurtherScores further,
    List<Tradeoff> tradeoffs,
    List<SubjectReport> subjects,
    List<FailedSubject> failures,
    Optional<EvaluationProtocol> protocol,
    Optional<Progress> progress) {
  public ReportData {
    settings = List.copyOf(settings);
    tradeoffs = List.copyOf(tradeoffs);
    subjects = List.copyOf(subjects);
    failures = List.copyOf(failures);
  }

  /** One line of the settings, such as {@code tuneqdm.tuning.steps} and {@code 400}. */
  public record Setting(String name, String value) {}

  /**
   * @param photos the real ones
   * @param leftOut photos that it was trained without
   * @param samples in any order; the report groups them by prompt, method and seed
   * @param losses in step order; empty where there is no record of the training
   */
  public record SubjectReport(
      String name,
      String classNoun,
      List<Picture> photos,
      List<LeftOut> leftOut,
      List<Sample> samples,
      List<StepLoss> losses,
      Effort effort) {
    public SubjectReport {
      photos = List.copyOf(photos);
      leftOut = List.copyOf(leftOut);
      samples = List.copyOf(samples);
      losses = List.copyOf(losses);
    }
  }

  /**
   * What a subject's training took; absent is what was not measured.
   *
   * @param storedBytes of its published result
   * @param peakBytes of the device that trained it, with its batch mates
   * @param stepsPerSecond of the subject
   */
  public record Effort(
      OptionalLong trainedParameters,
      OptionalLong storedBytes,
      OptionalLong peakBytes,
      OptionalDouble stepsPerSecond) {
    public static final Effort UNKNOWN =
        new Effort(
            OptionalLong.empty(),
            OptionalLong.empty(),
            OptionalLong.empty(),
            OptionalDouble.empty());
  }

  /** A photo that could not be used, and why. */
  public record LeftOut(String photo, String reason) {}

  /** A generated picture with its row of scores. */
  public record Sample(ScoreRow row, Picture picture) {}

  public record StepLoss(double step, double loss) {}

  /**
   * @param cause one sentence for the user
   */
  public record FailedSubject(String name, String cause) {}

  /**
   * A picture by its addresses, each relative to the page.
   *
   * @param name of the picture's file, shown where there is nothing else
   * @param thumbnail a small copy; absent where the picture cannot be shown
   * @param original absent where it lies outside the run's folder
   */
  public record Picture(String name, Optional<String> thumbnail, Optional<String> original) {}

  /**
   * How far a job has come.
   *
   * @param activity what it does, such as {@code Training}
   * @param done of {@code total}
   * @param unit what is counted, such as {@code pictures}
   * @param detail one line
   * @param written when the page was
   * @param batches those that are under way, as many as are worth showing
   */
  public record Progress(
      String activity,
      long done,
      long total,
      String unit,
      String detail,
      Instant written,
      List<BatchLine> batches) {
    public Progress {
      batches = List.copyOf(batches);
    }
  }

  /**
   * A batch that is under way.
   *
   * @param losses its mean loss as it was seen now and then, in step order
   */
  public record BatchLine(int batch, int subjects, int step, int steps, List<StepLoss> losses) {
    public BatchLine {
      losses = List.copyOf(losses);
    }
  }
}
