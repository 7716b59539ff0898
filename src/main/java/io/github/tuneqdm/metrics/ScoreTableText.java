package io.github.tuneqdm.metrics;

import java.util.List;
import java.util.Optional;

/** Lays a {@link ScoreTable} out in columns of a fixed-width font. Three methods fit 80 columns. */
final class ScoreTableText {
  private static final int SCORE_WIDTH = 6; // "CLIP-I", "-0.029"
  private static final int GROUP_WIDTH = Metric.values().length * (SCORE_WIDTH + 1) - 1;
  private static final String MISSING = "-";

  private final ScoreTable table;
  private final List<Metric> metrics = List.of(Metric.values());

  ScoreTableText(ScoreTable table) {
    this.table = table;
  }

  String render() {
    if (table.methodMeans().isEmpty()) {
      return "No images were scored.\n";
    }
    return subjectLines() + "\n" + methodRows();
  }

  private String subjectLines() {
    StringBuilder out = new StringBuilder();
    int nameWidth = width("subject", table.subjects());
    StringBuilder methodLine = new StringBuilder(left("", nameWidth));
    StringBuilder metricLine = new StringBuilder(left("subject", nameWidth));
    for (String method : table.methods()) {
      methodLine.append("   ").append(left(printable(method), GROUP_WIDTH));
      metricLine.append("  ").append(indent(method));
      metrics.forEach(metric -> metricLine.append(' ').append(right(metric.label(), SCORE_WIDTH)));
    }
    line(out, methodLine);
    line(out, metricLine);
    for (String subject : table.subjects()) {
      StringBuilder cells = new StringBuilder(left(printable(subject), nameWidth));
      for (String method : table.methods()) {
        Optional<Scores> scores = table.scores(subject, method);
        cells.append("  ").append(indent(method));
        for (Metric metric : metrics) {
          String text = scores.map(s -> Scores.format(metric.of(s))).orElse(MISSING);
          cells.append(' ').append(right(text, SCORE_WIDTH));
        }
      }
      line(out, cells);
    }
    return out.toString();
  }

  private String methodRows() {
    StringBuilder out = new StringBuilder();
    int nameWidth = width("method", table.methods());
    StringBuilder head = new StringBuilder(left("method", nameWidth)).append("  subjects  images ");
    metrics.forEach(metric -> head.append(' ').append(right(metric.label(), SCORE_WIDTH)));
    line(out, head);
    for (ScoreTable.MethodMean mean : table.methodMeans()) {
      StringBuilder cells = new StringBuilder(left(printable(mean.method()), nameWidth));
      cells.append("  ").append(right(Integer.toString(mean.subjects()), "subjects".length()));
      cells.append("  ").append(right(Integer.toString(mean.images()), "images".length()));
      cells.append(' ');
      for (Metric metric : metrics) {
        cells.append(' ').append(right(Scores.format(metric.of(mean.scores())), SCORE_WIDTH));
      }
      line(out, cells);
    }
    return out.toString();
  }

  /** What pushes a method's scores to the right end of a name that is wider than they are. */
  private static String indent(String method) {
    return " ".repeat(Math.max(0, method.codePointCount(0, method.length()) - GROUP_WIDTH));
  }

  private static void line(StringBuilder out, CharSequence cells) {
    out.append(cells.toString().stripTrailing()).append('\n');
  }

  /** A name that moves the cursor would break the columns, or worse. */
  private static String printable(String name) {
    return name.replaceAll("\\p{Cntrl}", "?");
  }

  private static int width(String heading, List<String> names) {
    return names.stream()
        .mapToInt(name -> name.codePointCount(0, name.length()))
        .reduce(heading.length(), Math::max);
  }

  private static String left(String text, int width) {
    return text + padding(text, width);
  }

  private static String right(String text, int width) {
    return padding(text, width) + text;
  }

  private static String padding(String text, int width) {
    return " ".repeat(Math.max(0, width - text.codePointCount(0, text.length())));
  }
}
