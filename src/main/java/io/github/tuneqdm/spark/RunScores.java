package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.EvaluationProtocol;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.storage.ParquetTable;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The tables that an evaluation leaves in a run; empty before one.
 *
 * @param rows {@code scores.parquet}
 * @param images {@code images.parquet}
 * @param protocol of the rows
 */
record RunScores(
    List<ScoreRow> rows, List<ImageRow> images, Optional<EvaluationProtocol> protocol) {
  private static final String SCORES_FILE = "scores.parquet";
  private static final String IMAGES_FILE = "images.parquet";
  private static final ParquetTable<ScoreRow> SCORES = ParquetTable.of(ScoreRow.class);
  private static final ParquetTable<ImageRow> IMAGES = ParquetTable.of(ImageRow.class);

  /**
   * @throws TuneQdmException (input data) where a table is damaged or names what is no picture of
   *     the run
   */
  static RunScores of(RunFolder run) {
    if (!run.exists(SCORES_FILE)) {
      return new RunScores(List.of(), List.of(), Optional.empty());
    }
    List<ScoreRow> rows = SCORES.read(run.fileSystem(), run.path(SCORES_FILE));
    rows.forEach(row -> requireOwn(row.imagePath(), run, SCORES_FILE));
    List<ImageRow> images =
        run.exists(IMAGES_FILE) ? IMAGES.read(run.fileSystem(), run.path(IMAGES_FILE)) : List.of();
    images.forEach(image -> requireOwn(image.imagePath(), run, IMAGES_FILE));
    return new RunScores(rows, images, run.protocol());
  }

  static void write(RunFolder run, List<ScoreRow> rows, List<ImageRow> images) {
    IMAGES.replace(run.fileSystem(), run.path(IMAGES_FILE), images);
    SCORES.replace(run.fileSystem(), run.path(SCORES_FILE), rows);
  }

  List<ScoreRow> rowsOf(List<SubjectEntry> subjects) {
    Set<String> names = subjects.stream().map(SubjectEntry::name).collect(Collectors.toSet());
    return rows.stream().filter(row -> names.contains(row.subject())).toList();
  }

  private static void requireOwn(String path, RunFolder run, String table) {
    if (!PlannedImage.isOwn(path)) {
      throw TuneQdmException.inputData(
          "Cannot read %s: \"%s\" is no picture of the run (delete the table, it is made anew)"
              .formatted(run.path(table), path));
    }
  }
}
