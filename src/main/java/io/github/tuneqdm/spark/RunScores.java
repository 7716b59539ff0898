package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.SubjectScores;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.ParquetTable;
import java.io.Serializable;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Scores as a run's tables hold them, in their order.
 *
 * @param rows one a picture
 * @param together one a subject and method
 */
record RunScores(List<ScoreRow> rows, List<SubjectScores> together) implements Serializable {
  private static final String ROWS_FILE = "scores.parquet";
  private static final String TOGETHER_FILE = "subject-scores.parquet";
  private static final ParquetTable<ScoreRow> ROWS = ParquetTable.of(ScoreRow.class);
  private static final ParquetTable<SubjectScores> TOGETHER = ParquetTable.of(SubjectScores.class);
  private static final ParquetTable<ImageRow> IMAGES = ParquetTable.of(ImageRow.class);

  private static final Comparator<ScoreRow> ROWS_ORDER =
      Comparator.comparing(ScoreRow::subject)
          .thenComparing(ScoreRow::method, Methods.ORDER)
          .thenComparing(ScoreRow::promptIndex)
          .thenComparing(ScoreRow::seed);

  private static final Comparator<SubjectScores> TOGETHER_ORDER =
      Comparator.comparing(SubjectScores::subject)
          .thenComparing(SubjectScores::method, Methods.ORDER);

  private record SubjectAndMethod(String subject, String method) {
    static SubjectAndMethod of(SubjectScores row) {
      return new SubjectAndMethod(row.subject(), row.method());
    }
  }

  RunScores {
    rows = rows.stream().sorted(ROWS_ORDER).toList();
    together = together.stream().sorted(TOGETHER_ORDER).toList();
  }

  /** What the run's tables say; nothing where it has none. */
  static RunScores read(RunFolder run) {
    List<ScoreRow> rows =
        run.exists(ROWS_FILE) ? ROWS.read(run.fileSystem(), run.path(ROWS_FILE)) : List.of();
    for (ScoreRow row : rows) {
      if (!PlannedImage.isOwn(row.imagePath())) {
        throw TuneQdmException.inputData(
            "Cannot read %s: \"%s\" is no picture of the run (delete the table, it is made anew)"
                .formatted(run.path(ROWS_FILE), row.imagePath()));
      }
    }
    return new RunScores(
        rows,
        run.exists(TOGETHER_FILE)
            ? TOGETHER.read(run.fileSystem(), run.path(TOGETHER_FILE))
            : List.of());
  }

  /** Without the rows of these pictures. */
  RunScores without(Set<String> imagePaths) {
    return new RunScores(
        rows.stream().filter(row -> !imagePaths.contains(row.imagePath())).toList(), together);
  }

  /** These, and of the others what these do not speak of. */
  RunScores and(RunScores others) {
    Set<String> paths = rows.stream().map(ScoreRow::imagePath).collect(Collectors.toSet());
    Set<SubjectAndMethod> own =
        together.stream().map(SubjectAndMethod::of).collect(Collectors.toSet());
    return new RunScores(
        Stream.concat(
                rows.stream(), others.rows.stream().filter(row -> !paths.contains(row.imagePath())))
            .toList(),
        Stream.concat(
                together.stream(),
                others.together.stream().filter(row -> !own.contains(SubjectAndMethod.of(row))))
            .toList());
  }

  /** How many of the rows others do not have. */
  int rowsBeside(RunScores others) {
    Set<ScoreRow> there = Set.copyOf(others.rows);
    return (int) rows.stream().filter(row -> !there.contains(row)).count();
  }

  void write(RunFolder run) {
    IMAGES.replace(
        run.fileSystem(),
        run.path("images.parquet"),
        rows.stream().map(row -> image(run, row)).toList());
    ROWS.replace(run.fileSystem(), run.path(ROWS_FILE), rows);
    TOGETHER.replace(run.fileSystem(), run.path(TOGETHER_FILE), together);
  }

  private static ImageRow image(RunFolder run, ScoreRow row) {
    return new ImageRow(
        row.subject(),
        row.method(),
        row.promptIndex(),
        row.prompt(),
        row.seed(),
        row.imagePath(),
        Hashes.sha256(run.read(row.imagePath())));
  }
}
