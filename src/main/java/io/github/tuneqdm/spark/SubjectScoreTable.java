package io.github.tuneqdm.spark;

import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.SubjectScores;
import io.github.tuneqdm.storage.ParquetTable;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** {@code subject-scores.parquet}: a row a subject and method, in this order. */
record SubjectScoreTable(List<SubjectScores> rows) {
  private static final String FILE = "subject-scores.parquet";
  private static final ParquetTable<SubjectScores> TABLE = ParquetTable.of(SubjectScores.class);
  private static final Comparator<SubjectScores> ORDER =
      Comparator.comparing(SubjectScores::subject)
          .thenComparing(SubjectScores::method, Methods.ORDER);

  private record Key(String subject, String method) {
    static Key of(SubjectScores row) {
      return new Key(row.subject(), row.method());
    }
  }

  SubjectScoreTable {
    rows = rows.stream().sorted(ORDER).toList();
  }

  /** Empty where the run has none. */
  static SubjectScoreTable read(RunFolder run) {
    return new SubjectScoreTable(
        run.exists(FILE) ? TABLE.read(run.fileSystem(), run.path(FILE)) : List.of());
  }

  /** Without rows that were measured against other photos than these subjects have now. */
  SubjectScoreTable against(List<SubjectEntry> subjects) {
    Map<String, String> photos = new HashMap<>();
    subjects.forEach(subject -> photos.put(subject.name(), subject.photosSha256()));
    return new SubjectScoreTable(
        rows.stream()
            .filter(
                row ->
                    photos
                        .getOrDefault(row.subject(), row.photosSha256())
                        .equals(row.photosSha256()))
            .toList());
  }

  /** Whether a picture's row was measured as one of these. */
  boolean covers(ScoreRow row) {
    return rows.stream()
        .anyMatch(r -> r.subject().equals(row.subject()) && r.method().equals(row.method()));
  }

  /** These rows, and of others what these do not speak of. */
  SubjectScoreTable and(SubjectScoreTable others) {
    Set<Key> own = rows.stream().map(Key::of).collect(Collectors.toSet());
    return new SubjectScoreTable(
        Stream.concat(rows.stream(), others.rows.stream().filter(row -> !own.contains(Key.of(row))))
            .toList());
  }

  /** A subject's rows with these methods, as far as so many prior pictures were looked at. */
  List<SubjectScores> of(String subject, List<String> methods, int priorImages) {
    return rows.stream()
        .filter(row -> row.subject().equals(subject))
        .filter(row -> methods.contains(row.method()))
        .filter(row -> row.priorImages() == priorImages)
        .toList();
  }

  void write(RunFolder run) {
    TABLE.replace(run.fileSystem(), run.path(FILE), rows);
  }
}
