package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.metrics.FurtherScores;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.ScoreTable;
import io.github.tuneqdm.parallel.Ahead;
import io.github.tuneqdm.report.HtmlReport;
import io.github.tuneqdm.report.ReportData;
import io.github.tuneqdm.report.ReportData.Effort;
import io.github.tuneqdm.report.ReportData.FailedSubject;
import io.github.tuneqdm.report.ReportData.LeftOut;
import io.github.tuneqdm.report.ReportData.Picture;
import io.github.tuneqdm.report.ReportData.Progress;
import io.github.tuneqdm.report.ReportData.Sample;
import io.github.tuneqdm.report.ReportData.Setting;
import io.github.tuneqdm.report.ReportData.StepLoss;
import io.github.tuneqdm.report.ReportData.SubjectReport;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.Publisher;
import java.io.ByteArrayOutputStream;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;

/** Gathers what the report shows from the run's files, and publishes the page. */
final class RunReport {
  static final String PATH = "report/index.html";

  private static final int MOST_FAILURES = 1_000;

  private final RunFolder run;
  private final TuneQdmConfig config;

  RunReport(RunFolder run, TuneQdmConfig config) {
    this.run = run;
    this.config = config;
  }

  /** Writes the page of a job that is at work: reads nothing of the run, however large it is. */
  void write(Progress progress, Map<String, String> failures) {
    publish(
        page(
            new ReportData(
                run.id(),
                run.started(),
                settings(),
                ScoreTable.summarise(List.of()),
                FurtherScores.of(List.of()),
                List.of(),
                List.of(),
                failed(failures),
                Optional.empty(),
                Optional.of(progress))));
  }

  /**
   * Writes the page with those thumbnails that are there, unless it is there already, and sweeps
   * thumbnails that it does not show.
   *
   * @param subjects those that are trained
   * @param failures why the others have no result, by subject
   * @param index withdrawn before anything changes
   */
  void write(
      List<SubjectEntry> subjects,
      ShownScores scores,
      Map<String, String> failures,
      Thumbnails thumbnails,
      RunIndex index) {
    ReportData data = data(subjects, scores, failures, thumbnails);
    byte[] page = page(data);
    if (!isPublished(page)) {
      index.withdraw();
      publish(page);
    }
    if (!subjects.isEmpty()) { // a page without subjects is not the only one that shows them
      thumbnails.sweep(shown(data));
    }
  }

  private boolean isPublished(byte[] page) {
    return run.exists(PATH)
        && Hashes.sha256(run.fileSystem(), run.path(PATH)).equals(Hashes.sha256(page));
  }

  private void publish(byte[] page) {
    Publisher.replace(run.fileSystem(), run.path(PATH), page);
  }

  private static byte[] page(ReportData data) {
    ByteArrayOutputStream page = new ByteArrayOutputStream();
    HtmlReport.write(data, page);
    return page.toByteArray();
  }

  private static Set<String> shown(ReportData data) {
    Set<String> addresses = new HashSet<>();
    for (SubjectReport subject : data.subjects()) {
      subject.photos().forEach(photo -> photo.thumbnail().ifPresent(addresses::add));
      subject.samples().forEach(sample -> sample.picture().thumbnail().ifPresent(addresses::add));
    }
    return addresses;
  }

  private ReportData data(
      List<SubjectEntry> entries,
      ShownScores scores,
      Map<String, String> failures,
      Thumbnails thumbnails) {
    Map<String, List<ScoreRow>> rows =
        scores.rows().stream().collect(Collectors.groupingBy(ScoreRow::subject));
    Map<String, String> hashes =
        scores.images().stream()
            .collect(Collectors.toMap(ImageRow::imagePath, ImageRow::sha256, (a, b) -> a));
    Map<String, TrainingSpeed> speeds = new HashMap<>();
    run.speeds().forEach(speed -> speed.subjects().forEach(name -> speeds.put(name, speed)));
    List<SubjectReport> subjects =
        Ahead.all(
            entries,
            subject ->
                subject(
                    subject,
                    rows.getOrDefault(subject.name(), List.of()),
                    hashes,
                    thumbnails,
                    effort(subject.name(), Optional.ofNullable(speeds.get(subject.name())))));
    ScoreTable table = ScoreTable.summarise(scores.rows());
    return new ReportData(
        run.id(),
        run.started(),
        settings(),
        table,
        FurtherScores.of(scores.together()),
        new RunTradeoffs(run, config).of(table, subjects),
        subjects,
        failed(failures),
        scores.protocol(),
        Optional.empty());
  }

  private List<Setting> settings() {
    return config.settingsWithOrigins().stream().map(RunReport::setting).toList();
  }

  /** From {@code key = value # origin}. */
  private static Setting setting(String line) {
    int equals = line.indexOf(" = ");
    int origin = line.lastIndexOf("  # ");
    return new Setting(line.substring(0, equals), line.substring(equals + 3, origin));
  }

  private static List<FailedSubject> failed(Map<String, String> failures) {
    return failures.entrySet().stream()
        .limit(MOST_FAILURES)
        .map(failure -> new FailedSubject(failure.getKey(), failure.getValue()))
        .toList();
  }

  private SubjectReport subject(
      SubjectEntry subject,
      List<ScoreRow> rows,
      Map<String, String> hashes,
      Thumbnails thumbnails,
      Effort effort) {
    String name = subject.name();
    List<RejectedPhoto> rejects = run.rejects(name);
    List<Picture> photos =
        subject.without(rejects).photos().stream()
            .map(
                photo ->
                    new Picture(
                        photo.fileName(),
                        thumbnails.address(name, photo.sha256()),
                        Optional.empty()))
            .toList();
    List<Sample> samples =
        rows.stream()
            .map(
                row ->
                    new Sample(
                        row,
                        new Picture(
                            row.imagePath().substring(row.imagePath().lastIndexOf('/') + 1),
                            thumbnails.address(
                                name, hashes.getOrDefault(row.imagePath(), "unknown")),
                            Optional.of("../" + row.imagePath()))))
            .toList();
    List<StepLoss> losses =
        run.readSteps(name).stream().map(step -> new StepLoss(step.step(), step.loss())).toList();
    List<LeftOut> leftOut =
        rejects.stream().map(reject -> new LeftOut(reject.photo(), reject.reason())).toList();
    return new SubjectReport(name, subject.classNoun(), photos, leftOut, samples, losses, effort);
  }

  private Effort effort(String subject, Optional<TrainingSpeed> speed) {
    Optional<SubjectStatus> status = run.subjectStatus(subject);
    return new Effort(
        present(status.map(SubjectStatus::trainedParameters)),
        present(status.map(SubjectStatus::storedBytes)),
        present(speed.map(TrainingSpeed::peakBytes)),
        speed.isEmpty()
            ? OptionalDouble.empty()
            : OptionalDouble.of(speed.get().stepsPerSecond() / speed.get().subjects().size()));
  }

  private static OptionalLong present(Optional<Long> number) {
    return number.map(OptionalLong::of).orElseGet(OptionalLong::empty);
  }
}
