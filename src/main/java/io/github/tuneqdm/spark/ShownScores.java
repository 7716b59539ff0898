package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.EvaluationProtocol;
import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.SubjectScores;
import io.github.tuneqdm.parallel.Ahead;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.ParquetTable;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What the report shows of an evaluation; empty before one.
 *
 * @param rows of {@code scores.parquet}
 * @param images the same pictures' rows of {@code images.parquet}, with the hashes that thumbnails
 *     are named by
 * @param together their subjects' rows of {@code subject-scores.parquet}
 * @param protocol of the rows
 */
record ShownScores(
    List<ScoreRow> rows,
    List<ImageRow> images,
    List<SubjectScores> together,
    Optional<EvaluationProtocol> protocol) {
  static final Comparator<ScoreRow> ORDER =
      Comparator.comparing(ScoreRow::subject)
          .thenComparing(ScoreRow::method, Methods.ORDER)
          .thenComparing(ScoreRow::promptIndex)
          .thenComparing(ScoreRow::seed);

  private static final String IMAGES_FILE = "images.parquet";

  private static final String SCORES_FILE = "scores.parquet";
  private static final ParquetTable<ScoreRow> SCORES = ParquetTable.of(ScoreRow.class);
  private static final ParquetTable<ImageRow> IMAGES = ParquetTable.of(ImageRow.class);

  /**
   * @throws TuneQdmException (input data) where a table is damaged or names what is no picture of
   *     the run
   */
  static ShownScores of(RunFolder run) {
    if (!run.exists(SCORES_FILE) || !run.exists(IMAGES_FILE)) {
      return new ShownScores(List.of(), List.of(), List.of(), Optional.empty());
    }
    List<ScoreRow> rows = SCORES.read(run.fileSystem(), run.path(SCORES_FILE));
    rows.forEach(row -> requireOwn(row.imagePath(), run, SCORES_FILE));
    List<ImageRow> images = IMAGES.read(run.fileSystem(), run.path(IMAGES_FILE));
    images.forEach(image -> requireOwn(image, run));
    return new ShownScores(rows, images, SubjectScoreTable.read(run).rows(), run.protocol());
  }

  /** What is left when some pictures are made anew. */
  ShownScores without(Set<String> paths) {
    return new ShownScores(
        rows.stream().filter(row -> !paths.contains(row.imagePath())).toList(),
        images.stream().filter(image -> !paths.contains(image.imagePath())).toList(),
        together,
        protocol);
  }

  /** What was measured as these rows were. */
  ShownScores only(SubjectScoreTable together) {
    return only(rows.stream().filter(together::covers).toList());
  }

  /** With these rows too, in the tables' order; pictures without a row so far are hashed. */
  ShownScores with(List<ScoreRow> more, RunFolder run) {
    Set<String> own = more.stream().map(ScoreRow::imagePath).collect(Collectors.toSet());
    List<ScoreRow> all =
        Stream.concat(more.stream(), rows.stream().filter(row -> !own.contains(row.imagePath())))
            .sorted(ORDER)
            .toList();
    Map<String, String> hashes =
        images.stream()
            .collect(Collectors.toMap(ImageRow::imagePath, ImageRow::sha256, (a, b) -> a));
    List<ImageRow> ofAll =
        Ahead.all(
            all,
            row ->
                new ImageRow(
                    row.subject(),
                    row.method(),
                    row.promptIndex(),
                    row.prompt(),
                    row.seed(),
                    row.imagePath(),
                    hashes.containsKey(row.imagePath())
                        ? hashes.get(row.imagePath())
                        : Hashes.sha256(run.read(row.imagePath()))));
    return new ShownScores(all, ofAll, together, protocol);
  }

  void write(RunFolder run) {
    IMAGES.replace(run.fileSystem(), run.path(IMAGES_FILE), images);
    SCORES.replace(run.fileSystem(), run.path(SCORES_FILE), rows);
  }

  /** These rows and what belongs to them. */
  ShownScores only(List<ScoreRow> wanted) {
    Set<String> paths = wanted.stream().map(ScoreRow::imagePath).collect(Collectors.toSet());
    Set<List<String>> pairs =
        wanted.stream()
            .map(row -> List.of(row.subject(), row.method()))
            .collect(Collectors.toSet());
    return new ShownScores(
        wanted,
        images.stream().filter(i -> paths.contains(i.imagePath())).toList(),
        together.stream().filter(t -> pairs.contains(List.of(t.subject(), t.method()))).toList(),
        protocol);
  }

  /** What belongs to these subjects. */
  ShownScores of(List<SubjectEntry> subjects) {
    Set<String> names = subjects.stream().map(SubjectEntry::name).collect(Collectors.toSet());
    return only(rows.stream().filter(row -> names.contains(row.subject())).toList());
  }

  /** A hash names files too. */
  private static void requireOwn(ImageRow image, RunFolder run) {
    requireOwn(image.imagePath(), run, IMAGES_FILE);
    if (!image.sha256().matches("[0-9a-f]{64}")) {
      throw TuneQdmException.inputData(
          "Cannot read %s: \"%s\" is no SHA-256 (delete the table, it is made anew)"
              .formatted(run.path(IMAGES_FILE), image.sha256()));
    }
  }

  private static void requireOwn(String path, RunFolder run, String table) {
    if (!PlannedImage.isOwn(path)) {
      throw TuneQdmException.inputData(
          "Cannot read %s: \"%s\" is no picture of the run (delete the table, it is made anew)"
              .formatted(run.path(table), path));
    }
  }
}
