package io.github.tuneqdm.report;

import io.github.tuneqdm.metrics.ConfidenceInterval;
import io.github.tuneqdm.metrics.FurtherScores;
import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.metrics.Metric;
import io.github.tuneqdm.metrics.ScoreTable;
import io.github.tuneqdm.metrics.Scores;
import io.github.tuneqdm.report.ReportData.SubjectReport;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The table of methods, what they cost, and the slowest subjects. */
final class SummarySection {
  private static final int SLOWEST = 3;

  private final ReportData data;
  private final ScoreTable table;

  SummarySection(ReportData data) {
    this.data = data;
    this.table = data.scores();
  }

  void write(Html html) {
    html.raw("<section id=\"summary\"><h2>Summary</h2>\n");
    if (table.methodMeans().isEmpty()) {
      html.raw("<p>No images were scored");
      html.raw(
          data.progress().isPresent() ? " yet.</p>\n" : ": <code>jobs/evaluate</code> does.</p>\n");
    } else {
      methods(html);
      html.raw(
          "<p class=\"note\">Means over the images of a prompt, then a subject's prompts, then"
              + " subjects; higher is better. Small figures: 95 % bootstrap interval over"
              + " subjects.</p>\n");
    }
    further(html);
    if (!data.tradeoffs().isEmpty()) {
      html.raw("<div class=\"tradeoffs\">\n");
      data.tradeoffs().forEach(tradeoff -> tradeoff.write(html));
      html.raw("</div>\n");
    }
    slowest(html);
    html.raw("</section>\n");
  }

  private void methods(Html html) {
    html.raw(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Scores by method\">");
    html.raw("<table class=\"methods\"><thead><tr><th scope=\"col\">Method</th>");
    for (Metric metric : Metric.values()) {
      html.raw("<th scope=\"col\">").text(metric.label());
      html.raw("<small class=\"meaning\">").text(metric.meaning()).raw("</small></th>");
    }
    html.raw("<th scope=\"col\" class=\"number\">Subjects</th>");
    html.raw("<th scope=\"col\" class=\"number\">Images</th></tr></thead>\n<tbody>");
    for (ScoreTable.MethodMean mean : table.methodMeans()) {
      int colour = Colours.of(mean.method(), table.methods());
      html.raw("<tr").raw(mean.method().equals(Methods.TUNED) ? " class=\"main\">" : ">");
      html.raw("<th scope=\"row\">").raw(Colours.dot(colour)).text(mean.method()).raw("</th>");
      for (Metric metric : Metric.values()) {
        html.raw("<td>");
        score(html, table.interval(mean.method(), metric), Colours.style(colour));
        html.raw("</td>");
      }
      html.raw("<td class=\"number\">").text(mean.subjects()).raw("</td>");
      html.raw("<td class=\"number\">").text(mean.images()).raw("</td></tr>\n");
    }
    html.raw("</tbody></table></div>\n");
  }

  private void further(Html html) {
    FurtherScores further = data.further();
    if (further.headings().isEmpty()) {
      return;
    }
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Further scores\">");
    html.raw("<table class=\"subjects\"><thead><tr><th scope=\"col\">Further scores</th>");
    for (String heading : further.headings()) {
      html.raw("<th scope=\"col\" class=\"number\">").text(heading).raw("</th>");
    }
    html.raw("</tr></thead>\n<tbody>");
    further
        .rows()
        .forEach(
            (method, cells) -> {
              html.raw("<tr><th scope=\"row\">");
              html.raw(Colours.dot(Colours.of(method, table.methods()))).text(method);
              html.raw("</th>");
              cells.forEach(cell -> html.raw("<td class=\"number\">").text(cell).raw("</td>"));
              html.raw("</tr>\n");
            });
    html.raw("</tbody></table></div>\n<p class=\"note\">Diversity: how far pictures of a prompt");
    html.raw(" lie apart. Prior: likeness of the plain class to the subject, lower is better.");
    html.raw(" Real: likeness of the photos to each other, the ceiling.</p>\n");
  }

  private static void score(Html html, ConfidenceInterval interval, String colour) {
    html.raw("<b>").raw(Scores.format(interval.mean())).raw("</b> <small>");
    html.raw(Scores.format(interval.low())).raw(" to ").raw(Scores.format(interval.high()));
    html.raw("</small>");
    bar(html, interval, colour);
  }

  /**
   * Cosines between 0 and 1 as lengths: the mean as a bar, its interval as a line across its end.
   */
  private static void bar(Html html, ConfidenceInterval interval, String colour) {
    html.raw("<svg class=\"bar\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\"");
    html.raw(" aria-hidden=\"true\"><rect class=\"track\" y=\"1\" width=\"100\" height=\"4\"/>");
    html.raw(
        Html.format(
            "<rect class=\"%s\" y=\"1\" width=\"%s\" height=\"4\"/>",
            colour, share(interval.mean())));
    html.raw(
        Html.format(
            "<path class=\"whisker\" d=\"M%s 3H%s\"/></svg>",
            share(interval.low()), share(interval.high())));
  }

  private static String share(double score) {
    return String.format(Locale.ROOT, "%.1f", 100 * Math.max(0, Math.min(1, score)));
  }

  private void slowest(Html html) {
    List<SubjectReport> timed =
        data.subjects().stream()
            .filter(subject -> subject.effort().stepsPerSecond().isPresent())
            .sorted(Comparator.comparingDouble(SummarySection::rate))
            .toList();
    // Subjects that trained together were all as fast.
    if (timed.size() > 1 && rate(timed.get(0)) < rate(timed.get(timed.size() - 1))) {
      html.raw("<p><b>Slowest:</b> ");
      html.raw(
          timed.stream()
              .limit(SLOWEST)
              .map(
                  subject ->
                      Html.format(
                          "<a href=\"#subject-%d\">%s</a> %.1f steps/s",
                          data.subjects().indexOf(subject),
                          Html.escape(subject.name()),
                          rate(subject)))
              .collect(Collectors.joining(", ")));
      html.raw(Html.format("; the median is %.1f.</p>\n", rate(timed.get(timed.size() / 2))));
    }
  }

  private static double rate(SubjectReport subject) {
    return subject.effort().stepsPerSecond().orElseThrow();
  }
}
