package io.github.tuneqdm.report;

import io.github.tuneqdm.metrics.Metric;
import io.github.tuneqdm.metrics.Scores;
import io.github.tuneqdm.report.ReportData.SubjectReport;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The subjects' table: searched and sorted in the page, with a link to each subject. */
final class SubjectsTable {
  private final ReportData data;

  /** Those in which subjects differ; what is the same for all is said in a line. */
  private final List<Column> efforts;

  private final List<Column> common;

  /** A column of figures that some subjects have. */
  private record Column(String heading, Function<SubjectReport, Optional<String>> figure) {
    List<String> figures(List<SubjectReport> subjects) {
      return subjects.stream()
          .flatMap(subject -> figure.apply(subject).stream())
          .distinct()
          .toList();
    }
  }

  SubjectsTable(ReportData data) {
    this.data = data;
    List<Column> columns =
        List.of(
            new Column(
                "loss",
                subject -> LossCurve.of(subject.losses()).map(c -> LossCurve.number(c.end()))),
            new Column(
                "steps/s",
                subject ->
                    boxed(subject.effort().stepsPerSecond().stream().boxed().toList(), "%.1f")),
            new Column(
                "trained parameters",
                subject ->
                    boxed(subject.effort().trainedParameters().stream().boxed().toList(), "%d")),
            new Column(
                "MB stored",
                subject ->
                    boxed(
                        subject.effort().storedBytes().stream()
                            .mapToObj(bytes -> bytes / 1e6)
                            .toList(),
                        "%.2f")),
            new Column(
                "peak GiB",
                subject ->
                    boxed(
                        subject.effort().peakBytes().stream()
                            .mapToObj(bytes -> bytes / (double) (1 << 30))
                            .toList(),
                        "%.2f")));
    this.efforts = columns.stream().filter(c -> c.figures(data.subjects()).size() > 1).toList();
    this.common = columns.stream().filter(c -> c.figures(data.subjects()).size() == 1).toList();
  }

  private static <T> Optional<String> boxed(List<T> value, String format) {
    return value.stream().findFirst().map(v -> Html.format(format, v));
  }

  void write(Html html) {
    List<String> methods = data.scores().methods();
    html.raw("<p class=\"controls\" hidden><label>Find a subject ");
    html.raw("<input id=\"find\" type=\"search\" autocomplete=\"off\"></label>");
    html.raw("<span id=\"found\" role=\"status\"></span></p>\n");
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Subjects\">");
    html.raw("<table id=\"subjects-table\" class=\"subjects sortable\"><thead><tr>");
    html.raw("<th scope=\"col\" rowspan=\"2\" data-sort=\"text\">Subject</th>");
    if (!efforts.isEmpty()) {
      html.raw(
          Html.format(
              "<th scope=\"colgroup\" colspan=\"%d\" class=\"group\">Training</th>",
              efforts.size()));
    }
    for (int m = 0; m < methods.size(); m++) {
      html.raw(
          Html.format(
              "<th scope=\"colgroup\" colspan=\"%d\" class=\"group\">", Metric.values().length));
      html.raw(Colours.dot(Colours.of(methods.get(m), methods))).text(methods.get(m)).raw("</th>");
    }
    html.raw("</tr><tr>");
    efforts.forEach(column -> heading(html, column.heading(), column == efforts.get(0)));
    for (int m = 0; m < methods.size(); m++) {
      for (Metric metric : Metric.values()) {
        heading(html, metric.label(), metric.ordinal() == 0);
      }
    }
    html.raw("</tr></thead>\n<tbody>");
    for (int i = 0; i < data.subjects().size(); i++) {
      row(html, i, methods);
    }
    html.raw("</tbody>");
    if (!methods.isEmpty()) {
      html.raw("<tfoot><tr><th scope=\"row\">mean</th>");
      efforts.forEach(
          column -> html.raw(column == efforts.get(0) ? "<td class=\"edge\"></td>" : "<td></td>"));
      data.scores().methodMeans().forEach(mean -> cells(html, Optional.of(mean.scores())));
      html.raw("</tr></tfoot>");
    }
    html.raw("</table></div>\n");
    if (!common.isEmpty()) {
      html.raw("<p class=\"note\">All subjects: ");
      html.text(
          common.stream()
              .map(c -> c.heading() + " " + c.figures(data.subjects()).get(0))
              .collect(Collectors.joining(", ")));
      html.raw("</p>\n");
    }
  }

  private static void heading(Html html, String label, boolean edge) {
    html.raw("<th scope=\"col\" class=\"number").raw(edge ? " edge" : "");
    html.raw("\" data-sort=\"number\">").text(label).raw("</th>");
  }

  private void row(Html html, int number, List<String> methods) {
    SubjectReport subject = data.subjects().get(number);
    html.raw("<tr data-name=\"").text(subject.name()).raw("\"><th scope=\"row\">");
    html.raw(Html.format("<a href=\"#subject-%d\">", number)).text(subject.name());
    html.raw("</a></th>");
    for (Column column : efforts) {
      html.raw(column == efforts.get(0) ? "<td class=\"number edge\">" : "<td class=\"number\">");
      html.raw(column.figure().apply(subject).orElse("&ndash;")).raw("</td>");
    }
    methods.forEach(method -> cells(html, data.scores().scores(subject.name(), method)));
    html.raw("</tr>\n");
  }

  static void cells(Html html, Optional<Scores> scores) {
    for (Metric metric : Metric.values()) {
      html.raw(metric.ordinal() == 0 ? "<td class=\"number edge\">" : "<td class=\"number\">");
      html.raw(scores.map(s -> Scores.format(metric.of(s))).orElse("&ndash;")).raw("</td>");
    }
  }
}
