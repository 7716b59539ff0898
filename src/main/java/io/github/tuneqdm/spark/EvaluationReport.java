package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.metrics.EvaluationProtocol;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.ScoreTable;
import io.github.tuneqdm.report.HtmlReport;
import io.github.tuneqdm.report.ReportData;
import io.github.tuneqdm.report.ReportData.FailedSubject;
import io.github.tuneqdm.report.ReportData.LeftOut;
import io.github.tuneqdm.report.ReportData.Picture;
import io.github.tuneqdm.report.ReportData.Sample;
import io.github.tuneqdm.report.ReportData.Setting;
import io.github.tuneqdm.report.ReportData.StepLoss;
import io.github.tuneqdm.report.ReportData.SubjectReport;
import io.github.tuneqdm.storage.Publisher;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;

/** Gathers what the report shows from the run's files and publishes the page. */
final class EvaluationReport {
  static final String PATH = "report/index.html";

  private final RunFolder run;
  private final TuneQdmConfig config;
  private final EvaluationProtocol protocol;

  EvaluationReport(RunFolder run, TuneQdmConfig config, EvaluationProtocol protocol) {
    this.run = run;
    this.config = config;
    this.protocol = protocol;
  }

  /**
   * @param rows one a picture
   * @param failures why the others have none, by subject
   */
  void write(
      List<SubjectEntry> subjects,
      List<ScoreRow> rows,
      ScoreTable table,
      Map<String, String> failures) {
    Map<String, List<ScoreRow>> bySubject =
        rows.stream().collect(Collectors.groupingBy(ScoreRow::subject));
    ReportData data =
        new ReportData(
            run.id(),
            run.started(),
            config.settingsWithOrigins().stream().map(EvaluationReport::setting).toList(),
            table,
            subjects.stream().map(s -> subject(s, bySubject.get(s.name()))).toList(),
            failures.entrySet().stream()
                .map(failure -> new FailedSubject(failure.getKey(), failure.getValue()))
                .toList(),
            protocol);
    ByteArrayOutputStream page = new ByteArrayOutputStream();
    HtmlReport.write(data, page);
    Publisher.replace(run.fileSystem(), run.path(PATH), page.toByteArray());
  }

  /** From {@code key = value # origin}. */
  private static Setting setting(String line) {
    int equals = line.indexOf(" = ");
    int origin = line.lastIndexOf("  # ");
    return new Setting(line.substring(0, equals), line.substring(equals + 3, origin));
  }

  private SubjectReport subject(SubjectEntry subject, List<ScoreRow> rows) {
    Configuration hadoop = run.fileSystem().getConf();
    List<Picture> photos =
        subject.photos().stream()
            .map(
                photo ->
                    new Picture(
                        name(photo.path()),
                        () ->
                            Thumbnail.of(
                                photo.bytes(hadoop, config.dataMaxPhotoBytes()),
                                photo.path(),
                                config.dataMaxPixels())))
            .toList();
    List<Sample> samples =
        rows.stream()
            .filter(row -> row.seed() == protocol.seed(row.promptIndex(), 0))
            .map(
                row ->
                    new Sample(
                        row,
                        new Picture(
                            name(row.imagePath()),
                            () ->
                                Thumbnail.of(
                                    run.read(row.imagePath()),
                                    row.imagePath(),
                                    config.dataMaxPixels()))))
            .toList();
    List<StepLoss> losses =
        run.readSteps(subject.name()).stream()
            .map(step -> new StepLoss(step.step(), step.loss()))
            .toList();
    List<LeftOut> leftOut =
        run.rejects(subject.name()).stream()
            .map(reject -> new LeftOut(reject.photo(), reject.reason()))
            .toList();
    return new SubjectReport(subject.name(), subject.classNoun(), photos, leftOut, samples, losses);
  }

  private static String name(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
