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

/** Lays the means over subjects out that a {@link ScoreTable} does not show: a row a method. */
public final class SubjectScoresText {
  private static final String MISSING = "-";

  /** A column: its heading and where its figures come from. */
  private record Column(String heading, Function<SubjectScores, Double> value) {
    String cell(Collection<SubjectScores> rows) {
      OptionalDouble mean =
          rows.stream().map(value).filter(Objects::nonNull).mapToDouble(v -> v).average();
      return mean.isPresent() ? Scores.format(mean.getAsDouble()) : MISSING;
    }
  }

  private static final List<Column> COLUMNS =
      List.of(
          new Column("CLIP-T with identifier", SubjectScores::clipTWithIdentifier),
          new Column("DINO diversity", SubjectScores::dinoDiversity),
          new Column("prior DINO", SubjectScores::priorDino),
          new Column("real DINO", SubjectScores::realDino),
          new Column("real CLIP-I", SubjectScores::realClipI));

  private SubjectScoresText() {}

  /** For the terminal; nothing where there are no rows. */
  public static String render(Collection<SubjectScores> rows) {
    Map<String, List<SubjectScores>> byMethod = new TreeMap<>(Methods.ORDER);
    for (SubjectScores row : rows) {
      byMethod.computeIfAbsent(row.method(), m -> new ArrayList<>()).add(row);
    }
    if (byMethod.isEmpty()) {
      return "";
    }
    int width = byMethod.keySet().stream().mapToInt(String::length).max().orElse(0);
    String name = "%-" + Math.max(width, "method".length()) + "s";
    StringBuilder text = new StringBuilder(format(name, "method"));
    COLUMNS.forEach(column -> text.append("  ").append(column.heading()));
    text.append('\n');
    byMethod.forEach(
        (method, ofMethod) -> {
          text.append(format(name, method.replaceAll("\\p{Cntrl}", "?")));
          for (Column column : COLUMNS) {
            text.append("  ")
                .append(format("%" + column.heading().length() + "s", column.cell(ofMethod)));
          }
          text.append('\n');
        });
    return text.toString();
  }

  private static String format(String format, String value) {
    return String.format(Locale.ROOT, format, value);
  }
}
