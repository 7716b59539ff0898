package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.StudySettings;
import io.github.tuneqdm.config.StudySettings.Cell;
import io.github.tuneqdm.report.StudyPage;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.ParquetTable;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.study.SearchRow;
import io.github.tuneqdm.study.SpeedRow;
import io.github.tuneqdm.study.StudyProtocol;
import io.github.tuneqdm.study.StudyRow;
import io.github.tuneqdm.study.StudyTable;
import io.github.tuneqdm.study.StudyText;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** The files of one study, beside its runs: {@code studies/<name>-<id>/}. */
final class StudyFolder {
  static final String STUDIES = "studies";

  private static final int ID_DIGITS = 12;
  private static final ParquetTable<StudyRow> RESULTS = ParquetTable.of(StudyRow.class);
  private static final ParquetTable<SpeedRow> SPEED = ParquetTable.of(SpeedRow.class);
  private static final ParquetTable<SearchRow> SEARCH = ParquetTable.of(SearchRow.class);

  /** Beside what determines runs: what is compared, and how. */
  private static final List<String> ALSO_DETERMINING =
      List.of("tuneqdm.model.", "tuneqdm.data.subjects", "tuneqdm.evaluate.");

  private final RunFolder folder;
  private final Map<String, Double> seconds = new HashMap<>();
  private final List<SpeedRow> earlier;

  private StudyFolder(RunFolder folder) {
    this.folder = folder;
    this.earlier =
        folder.exists("speed.parquet")
            ? SPEED.read(folder.fileSystem(), folder.path("speed.parquet"))
            : List.of();
    earlier.forEach(this::remember);
  }

  /**
   * @param subjects of the table
   */
  static StudyFolder of(StudySettings study, List<String> subjects, Configuration hadoop) {
    String studies = new Path(study.shared().storageRuns(), STUDIES).toString();
    return new StudyFolder(RunFolder.of(studies, study.name() + "-" + id(study, subjects), hadoop));
  }

  /** A hash of all that the file and its layers say, but for where results lie. */
  static String id(StudySettings study, List<String> subjects) {
    List<String> keys = new ArrayList<>(RunPlan.DETERMINING);
    keys.addAll(ALSO_DETERMINING);
    StringBuilder text = new StringBuilder("study 1\n");
    for (Cell cell : study.cells()) {
      text.append("cell ").append(cell.name()).append('\n');
      text.append(cell.config().renderOnly(keys));
      text.append(cell.learningRates()).append(cell.learningRateSource()).append('\n');
    }
    text.append(study.seeds()).append(subjects).append(study.search()).append(study.reference());
    return Hashes.sha256(text.toString()).substring(0, ID_DIGITS);
  }

  /** For the lease: one driver at a time works on a study. */
  RunFolder folder() {
    return folder;
  }

  private void remember(SpeedRow row) {
    if (row.wallSeconds() != null && row.runId() != null) {
      seconds.put(row.runId(), row.wallSeconds());
    }
  }

  /** What was measured now, or before where a run only was found done. */
  synchronized List<SpeedRow> withEarlier(List<SpeedRow> rows) {
    rows.forEach(this::remember);
    return rows.stream()
        .map(
            row ->
                new SpeedRow(
                    row.cell(),
                    row.learningRate(),
                    row.seed(),
                    row.subject(),
                    row.runId(),
                    row.stepsPerSecond(),
                    row.peakBytes(),
                    seconds.get(row.runId())))
        .toList();
  }

  /**
   * Writes the speeds so far, and those that an earlier start measured of other cells: a study that
   * is stopped cannot measure them again.
   */
  synchronized void writeSpeeds(List<SpeedRow> rows) {
    Set<String> cells = rows.stream().map(SpeedRow::cell).collect(Collectors.toSet());
    List<SpeedRow> all = new ArrayList<>(rows);
    earlier.stream().filter(row -> !cells.contains(row.cell())).forEach(all::add);
    SPEED.replace(folder.fileSystem(), folder.path("speed.parquet"), all);
  }

  /** Writes all but the speeds and returns the table as text. */
  String write(
      List<StudyRow> rows, List<SearchRow> search, StudyProtocol protocol, StudyTable table) {
    RESULTS.replace(folder.fileSystem(), folder.path("results.parquet"), rows);
    SEARCH.replace(folder.fileSystem(), folder.path("search.parquet"), search);
    replace("protocol.json", protocol.toJson());
    String text = StudyText.render(table, protocol, search);
    replace("table.md", text.getBytes(StandardCharsets.UTF_8));
    replace("study.html", StudyPage.of(table, protocol, search));
    return text;
  }

  private void replace(String name, byte[] content) {
    Publisher.replace(folder.fileSystem(), folder.path(name), content);
  }
}
