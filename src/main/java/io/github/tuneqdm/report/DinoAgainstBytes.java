package io.github.tuneqdm.report;

import io.github.tuneqdm.metrics.ConfidenceInterval;
import io.github.tuneqdm.study.StudyMetric;
import io.github.tuneqdm.study.StudyTable;
import io.github.tuneqdm.study.StudyTable.CellSummary;
import io.github.tuneqdm.study.StudyText;
import java.util.List;

/** DINO against the bytes that a subject takes, a dot a cell; bytes on a logarithmic axis. */
final class DinoAgainstBytes {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 380;
  private static final int LEFT = 60;
  private static final int BOTTOM = 40;
  private static final int MARGIN = 16;

  private final List<CellSummary> cells;
  private final double fewest;
  private final double most;
  private final double low;
  private final double high;

  DinoAgainstBytes(StudyTable table) {
    cells =
        table.cells().stream()
            .filter(c -> c.storedBytes() != null && c.storedBytes() > 0)
            .filter(c -> c.scores().containsKey(StudyMetric.DINO))
            .toList();
    fewest = Math.floor(cells.stream().mapToDouble(DinoAgainstBytes::decade).min().orElse(0));
    most = Math.ceil(cells.stream().mapToDouble(DinoAgainstBytes::decade).max().orElse(0) + 1e-9);
    low = cells.stream().mapToDouble(c -> dino(c).low()).min().orElse(0);
    high = cells.stream().mapToDouble(c -> dino(c).high()).max().orElse(1);
  }

  private static double decade(CellSummary cell) {
    return Math.log10(cell.storedBytes());
  }

  private static ConfidenceInterval dino(CellSummary cell) {
    return cell.scores().get(StudyMetric.DINO);
  }

  private double x(double decade) {
    return LEFT + (decade - fewest) / Math.max(1, most - fewest) * (WIDTH - LEFT - MARGIN);
  }

  private double y(double score) {
    double share = high > low ? (score - low) / (high - low) : 0.5;
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - MARGIN);
  }

  void write(Html html) {
    if (cells.isEmpty()) {
      return;
    }
    html.raw("<section id=\"bytes\"><h2>DINO against stored bytes</h2>\n");
    html.raw(Html.format("<svg class=\"loss\" viewBox=\"0 0 %d %d\" role=\"img\"", WIDTH, HEIGHT));
    html.raw(" aria-label=\"DINO against stored bytes a subject; the tables hold the numbers\">\n");
    for (double decade = fewest; decade <= most; decade++) {
      html.raw(
          Html.format(
              "<line class=\"grid\" x1=\"%1$.1f\" x2=\"%1$.1f\" y1=\"%2$d\" y2=\"%3$d\"/>",
              x(decade), MARGIN, HEIGHT - BOTTOM));
      html.raw(
          Html.format(
              "<text class=\"y\" x=\"%.1f\" y=\"%d\">%,.0f bytes</text>\n",
              x(decade), HEIGHT - BOTTOM + 18, Math.pow(10, decade)));
    }
    for (double score : new double[] {low, high}) {
      html.raw(
          Html.format(
              "<text class=\"y\" x=\"%d\" y=\"%.1f\">%.3f</text>\n",
              LEFT - 8, y(score) + 4, score));
    }
    for (CellSummary cell : cells) {
      double x = x(decade(cell));
      html.raw("<g fill=\"currentColor\" stroke=\"currentColor\"><title>").text(cell.cell());
      html.raw(": ").raw(StudyText.score(dino(cell))).raw("</title>");
      html.raw(
          Html.format(
              "<line x1=\"%1$.1f\" x2=\"%1$.1f\" y1=\"%2$.1f\" y2=\"%3$.1f\"/>",
              x, y(dino(cell).low()), y(dino(cell).high())));
      html.raw(
          Html.format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/></g>", x, y(dino(cell).mean())));
      html.raw(Html.format("<text x=\"%.1f\" y=\"%.1f\">", x + 7, y(dino(cell).mean()) - 4));
      html.text(cell.cell()).raw("</text>\n");
    }
    html.raw("</svg></section>\n");
  }
}
