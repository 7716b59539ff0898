package io.github.tuneqdm.report;

import io.github.tuneqdm.metrics.ConfidenceInterval;
import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.metrics.Metric;
import io.github.tuneqdm.metrics.ScoreTable;
import io.github.tuneqdm.metrics.Scores;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The table of methods and the table of subjects. */
final class SummarySection {
  private final ReportData data;
  private final ScoreTable table;

  SummarySection(ReportData data) {
    this.data = data;
    this.table = data.scores();
  }

  void write(Html html) {
    html.raw("<section id=\"summary\"><h2>Summary</h2>\n");
    if (table.methodMeans().isEmpty()) {
      html.raw("<p>No images were scored.</p></section>\n");
      return;
    }
    methods(html);
    html.raw(
        "<p class=\"note\">Means over the images of a prompt, then a subject's prompts, then"
            + " subjects; higher is better. Small figures: 95 % bootstrap interval over"
            + " subjects.</p>\n");
    html.raw("<h3 id=\"by-subject\">By subject</h3>\n");
    subjects(html);
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
      html.raw("<tr").raw(mean.method().equals(Methods.TUNED) ? " class=\"main\">" : ">");
      html.raw(Html.format("<th scope=\"row\"><i class=\"dot %s\"></i>", colour(mean.method())));
      html.text(mean.method()).raw("</th>");
      for (Metric metric : Metric.values()) {
        ConfidenceInterval interval = table.interval(mean.method(), metric);
        double score = metric.of(mean.scores());
        html.raw("<td><b>").raw(Scores.format(score)).raw("</b> <small>");
        html.raw(Scores.format(interval.low())).raw(" to ").raw(Scores.format(interval.high()));
        html.raw("</small>");
        bar(html, score, colour(mean.method()));
        html.raw("</td>");
      }
      html.raw("<td class=\"number\">").text(mean.subjects()).raw("</td>");
      html.raw("<td class=\"number\">").text(mean.images()).raw("</td></tr>\n");
    }
    html.raw("</tbody></table></div>\n");
  }

  /** A cosine between 0 and 1 as a length; what is below 0 has none. */
  private static void bar(Html html, double score, String colour) {
    html.raw("<svg class=\"bar\" viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\"");
    html.raw(" aria-hidden=\"true\"><rect class=\"track\" width=\"100\" height=\"4\"/>");
    html.raw(
        Html.format(
            "<rect class=\"%s\" width=\"%s\" height=\"4\"/></svg>",
            colour, String.format(Locale.ROOT, "%.1f", 100 * Math.max(0, Math.min(1, score)))));
  }

  private void subjects(Html html) {
    html.raw("<p class=\"controls\" hidden><label>Find a subject ");
    html.raw("<input id=\"find\" type=\"search\" autocomplete=\"off\"></label>");
    html.raw("<span id=\"found\" role=\"status\"></span></p>\n");
    html.raw(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Scores by subject\">");
    html.raw("<table id=\"subjects-table\" class=\"subjects\"><thead><tr>");
    html.raw("<th scope=\"col\" rowspan=\"2\" data-sort=\"text\">Subject</th>");
    for (String method : table.methods()) {
      html.raw(
          Html.format(
              "<th scope=\"colgroup\" colspan=\"%d\" class=\"group\">", Metric.values().length));
      html.raw(Html.format("<i class=\"dot %s\"></i>", colour(method))).text(method).raw("</th>");
    }
    html.raw("</tr><tr>");
    for (int m = 0; m < table.methods().size(); m++) {
      for (Metric metric : Metric.values()) {
        html.raw(
            Html.format(
                "<th scope=\"col\" class=\"number%s\" data-sort=\"number\">", edge(metric)));
        html.text(metric.label()).raw("</th>");
      }
    }
    html.raw("</tr></thead>\n<tbody>");
    Map<String, Integer> numbers =
        IntStream.range(0, data.subjects().size())
            .boxed()
            .collect(Collectors.toMap(i -> data.subjects().get(i).name(), i -> i, (a, b) -> a));
    for (String subject : table.subjects()) {
      html.raw("<tr data-name=\"").text(subject).raw("\"><th scope=\"row\">");
      Optional<Integer> number = Optional.ofNullable(numbers.get(subject));
      number.ifPresent(n -> html.raw(Html.format("<a href=\"#subject-%d\">", n)));
      html.text(subject).raw(number.isPresent() ? "</a>" : "").raw("</th>");
      for (String method : table.methods()) {
        cells(html, table.scores(subject, method));
      }
      html.raw("</tr>\n");
    }
    html.raw("</tbody><tfoot><tr><th scope=\"row\">mean</th>");
    for (ScoreTable.MethodMean mean : table.methodMeans()) {
      cells(html, Optional.of(mean.scores()));
    }
    html.raw("</tr></tfoot></table></div>\n");
  }

  static void cells(Html html, Optional<Scores> scores) {
    for (Metric metric : Metric.values()) {
      html.raw(Html.format("<td class=\"number%s\">", edge(metric)));
      html.raw(scores.map(s -> Scores.format(metric.of(s))).orElse("&ndash;")).raw("</td>");
    }
  }

  /** Where a group of columns starts. */
  private static String edge(Metric metric) {
    return metric.ordinal() == 0 ? " edge" : "";
  }

  /** The class that colours a method's marks. */
  static String colour(String method) {
    int known = List.of(Methods.UNTUNED, Methods.QUANTISED_UNTUNED, Methods.TUNED).indexOf(method);
    return known < 0 ? "m-other" : "m-" + known;
  }
}
