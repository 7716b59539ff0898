package io.github.tuneqdm.report;

import io.github.tuneqdm.metrics.EvaluationProtocol;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.ScoreTable;
import java.io.IOException;
import java.time.Instant;
import java.util.List;

/**
 * Everything a report shows. Texts may hold anything: the report escapes them.
 *
 * @param date of the run, not of the report, so that writing it again gives the same bytes
 * @param settings of the run, in the order in which they are shown
 * @param scores the means; they may cover more images than the subjects' samples show
 * @param subjects in the order in which they are shown
 * @param failures subjects that have no result
 */
public record ReportData(
    String runId,
    Instant date,
    List<Setting> settings,
    ScoreTable scores,
    List<SubjectReport> subjects,
    List<FailedSubject> failures,
    EvaluationProtocol protocol) {
  public ReportData {
    settings = List.copyOf(settings);
    subjects = List.copyOf(subjects);
    failures = List.copyOf(failures);
  }

  /** One line of the settings, such as {@code tuneqdm.tuning.steps} and {@code 400}. */
  public record Setting(String name, String value) {}

  /**
   * @param photos the real ones
   * @param leftOut photos that it was trained without
   * @param samples in any order; the report groups them by prompt, seed and method
   * @param losses in step order; empty where there is no record of the training
   */
  public record SubjectReport(
      String name,
      String classNoun,
      List<Picture> photos,
      List<LeftOut> leftOut,
      List<Sample> samples,
      List<StepLoss> losses) {
    public SubjectReport {
      photos = List.copyOf(photos);
      leftOut = List.copyOf(leftOut);
      samples = List.copyOf(samples);
      losses = List.copyOf(losses);
    }
  }

  /** A photo that could not be used, and why. */
  public record LeftOut(String photo, String reason) {}

  /** A generated picture with its row of scores. */
  public record Sample(ScoreRow row, Picture picture) {}

  public record StepLoss(int step, double loss) {}

  /**
   * @param cause one sentence for the user
   */
  public record FailedSubject(String name, String cause) {}

  /**
   * A PNG, JPEG, GIF, WebP or BMP file. Its bytes go into the page as they are, so a run of large
   * pictures should pass small copies.
   *
   * @param name its file name, shown in its title
   * @param bytes read once, when the page reaches the picture
   */
  public record Picture(String name, ImageBytes bytes) {}

  /** Gives a picture's bytes when asked, so that the pictures need not all be in memory. */
  @FunctionalInterface
  public interface ImageBytes {
    byte[] read() throws IOException;
  }
}
