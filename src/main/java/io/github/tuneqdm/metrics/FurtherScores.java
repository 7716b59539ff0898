package io.github.tuneqdm.metrics;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Means over subjects that a {@link ScoreTable} does not show, a row a method.
 *
 * @param headings of the columns that hold anything
 * @param rows a figure a column, by method
 */
public record FurtherScores(List<String> headings, Map<String, List<String>> rows) {
  private static final String MISSING = "-";

  /** A column: its heading and where its figures come from. */
  private record Column(String heading, Function<SubjectScores, Double> value) {
    String cell(Collection<SubjectScores> rows) {
      OptionalDouble mean = figures(rows).mapToDouble(v -> v).average();
      return mean.isPresent() ? Scores.format(mean.getAsDouble()) : MISSING;
    }

    Stream<Double> figures(Collection<SubjectScores> rows) {
      return rows.stream().map(value).filter(Objects::nonNull);
    }
  }

  private static final List<Column> COLUMNS =
      List.of(
          new Column("CLIP-T with identifier", SubjectScores::clipTWithIdentifier),
          new Column("DINO diversity", SubjectScores::dinoDiversity),
          new Column("prior DINO", SubjectScores::priorDino),
          new Column("real DINO", SubjectScores::realDino),
          new Column("real CLIP-I", SubjectScores::realClipI));

  public static FurtherScores of(Collection<SubjectScores> rows) {
    Map<String, List<SubjectScores>> byMethod = new TreeMap<>(Methods.ORDER);
    for (SubjectScores row : rows) {
      byMethod.computeIfAbsent(row.method(), m -> new ArrayList<>()).add(row);
    }
    List<Column> columns =
        COLUMNS.stream().filter(c -> c.figures(rows).findAny().isPresent()).toList();
    Map<String, List<String>> cells = new TreeMap<>(Methods.ORDER);
    byMethod.forEach(
        (method, own) -> cells.put(method, columns.stream().map(c -> c.cell(own)).toList()));
    return new FurtherScores(columns.stream().map(Column::heading).toList(), cells);
  }

  /** For the terminal; nothing where there are no rows. */
  public String render() {
    if (rows.isEmpty()) {
      return "";
    }
    int width = rows.keySet().stream().mapToInt(String::length).max().orElse(0);
    String name = "%-" + Math.max(width, "method".length()) + "s";
    StringBuilder text = new StringBuilder(format(name, "method"));
    headings.forEach(heading -> text.append("  ").append(heading));
    text.append('\n');
    rows.forEach(
        (method, cells) -> {
          text.append(format(name, method.replaceAll("\\p{Cntrl}", "?")));
          for (int i = 0; i < cells.size(); i++) {
            text.append("  ").append(format("%" + headings.get(i).length() + "s", cells.get(i)));
          }
          text.append('\n');
        });
    return text.toString();
  }

  private static String format(String format, String value) {
    return String.format(Locale.ROOT, format, value);
  }
}
