package io.github.tuneqdm.report;

import io.github.tuneqdm.metrics.ConfidenceInterval;
import io.github.tuneqdm.metrics.Scores;
import io.github.tuneqdm.study.SearchRow;
import io.github.tuneqdm.study.StudyMetric;
import io.github.tuneqdm.study.StudyProtocol;
import io.github.tuneqdm.study.StudyTable;
import io.github.tuneqdm.study.StudyTable.CellSummary;
import io.github.tuneqdm.study.StudyText;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * A study as one HTML page: scores with their intervals, differences, cost, what was tried,
 * protocol. The same study gives the same bytes.
 */
public final class StudyPage {
  private final StudyTable table;
  private final StudyProtocol protocol;
  private final Html html;

  private StudyPage(StudyTable table, StudyProtocol protocol, Html html) {
    this.table = table;
    this.protocol = protocol;
    this.html = html;
  }

  /** The page in UTF-8. */
  public static byte[] of(StudyTable table, StudyProtocol protocol, List<SearchRow> search) {
    StringWriter text = new StringWriter();
    Html html = new Html(text);
    StudyPage page = new StudyPage(table, protocol, html);
    String title = "TuneQDM-Spark study " + protocol.study();
    new Page(title, "scores", Optional.empty(), page::header, () -> page.content(search))
        .write(html);
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private void header() {
    html.raw("<h1>Study <code>").text(protocol.study()).raw("</code></h1>\n<p>");
    fact(table.cells().size(), "cell");
    fact(protocol.subjects().size(), "subject");
    fact(protocol.seeds().size(), "seed");
    html.raw("</p>\n");
    html.raw("<nav aria-label=\"Contents\"><a href=\"#scores\">Scores</a>");
    html.raw("<a href=\"#cost\">Cost</a><a href=\"#protocol\">Protocol</a></nav>");
  }

  private void fact(int count, String noun) {
    html.raw("<span>").text(count).raw(" " + noun + (count == 1 ? "" : "s")).raw("</span> ");
  }

  private void content(List<SearchRow> search) {
    failures();
    scores();
    tradeoffs();
    differences();
    cost();
    search(search);
    html.raw("<section id=\"protocol\"><h2>Protocol</h2>\n<dl class=\"facts\">\n");
    StudyText.facts(protocol).forEach((name, value) -> ProtocolSection.fact(html, name, value));
    html.raw("</dl></section>\n");
  }

  private void scores() {
    List<StudyMetric> metrics = measured(CellSummary::scores);
    html.raw("<section id=\"scores\"><h2>Scores</h2>\n");
    html.raw(
        "<p class=\"note\">Means over subjects, each the mean of its seeds; small figures: 95 %");
    html.raw(" bootstrap interval over subjects. Higher is better.</p>\n");
    List<String> heading = new ArrayList<>(List.of("Cell", "Subjects", "Learning rate"));
    metrics.forEach(metric -> heading.add(metric.label()));
    open("Scores by cell", heading);
    for (CellSummary cell : table.cells()) {
      row(cell);
      number(Integer.toString(cell.subjects()));
      number(StudyText.rates(cell.learningRates()));
      for (StudyMetric metric : metrics) {
        ConfidenceInterval interval = cell.scores().get(metric);
        score(interval);
      }
      html.raw("</tr>\n");
    }
    close();
    html.raw("</section>\n");
  }

  private void tradeoffs() {
    List<Tradeoff> shown =
        List.of(
            tradeoff("Quality and storage", "MB stored a subject", CellSummary::storedBytes, 1e6),
            tradeoff(
                "Quality and memory",
                "peak GB of the GPU in training",
                CellSummary::peakBytes,
                1e9));
    html.raw("<div class=\"tradeoffs\">\n");
    shown.stream().filter(plot -> plot.points().size() > 1).forEach(plot -> plot.write(html));
    html.raw("</div>\n");
  }

  /** Of those cells of which both are known. */
  private Tradeoff tradeoff(
      String title, String cost, Function<CellSummary, Double> bytes, double unit) {
    return new Tradeoff(
        title,
        cost,
        StudyMetric.DINO.label(),
        table.cells().stream()
            .filter(c -> bytes.apply(c) != null && c.scores().containsKey(StudyMetric.DINO))
            .map(
                c ->
                    new Tradeoff.Point(
                        c.cell(), bytes.apply(c) / unit, c.scores().get(StudyMetric.DINO)))
            .toList());
  }

  private void differences() {
    List<StudyMetric> metrics = measured(CellSummary::differences);
    if (metrics.isEmpty()) {
      return;
    }
    html.raw("<section id=\"differences\"><h2>Difference to ");
    html.text(table.reference().orElseThrow())
        .raw("</h2>\n<p class=\"note\">Paired by subject, with");
    html.raw(
        " the 95 % bootstrap interval of the mean difference; * where it leaves out 0 and six");
    html.raw(" subjects or more are compared.</p>\n");
    List<String> heading = new ArrayList<>(List.of("Cell"));
    metrics.forEach(metric -> heading.add(metric.label()));
    open("Differences by cell", heading);
    for (CellSummary cell : table.cells()) {
      if (!table.reference().orElseThrow().equals(cell.cell())) {
        row(cell);
        for (StudyMetric metric : metrics) {
          ConfidenceInterval interval = cell.differences().get(metric);
          number(interval == null ? "-" : StudyText.difference(interval, cell.paired()));
        }
        html.raw("</tr>\n");
      }
    }
    close();
    html.raw("</section>\n");
  }

  private void cost() {
    html.raw("<section id=\"cost\"><h2>Cost</h2>\n");
    open(
        "Cost by cell",
        List.of(
            "Cell",
            "Bits",
            "Trained parameters",
            "Stored bytes",
            "Peak GPU bytes",
            "Subject-steps/s"));
    for (CellSummary cell : table.cells()) {
      row(cell);
      number(cell.bits() == 0 ? "-" : Integer.toString(cell.bits()));
      number(StudyText.amount(cell.trainedParameters(), "%,.0f"));
      number(StudyText.amount(cell.storedBytes(), "%,.0f"));
      number(StudyText.amount(cell.peakBytes(), "%,.0f"));
      number(StudyText.amount(cell.stepsPerSecond(), "%.1f"));
      html.raw("</tr>\n");
    }
    close();
    html.raw("</section>\n");
  }

  private void search(List<SearchRow> search) {
    if (search.isEmpty()) {
      return;
    }
    html.raw("<section id=\"search\"><h2>Learning rates tried</h2>\n<p class=\"note\">Score: ");
    html.text(protocol.score()).raw(", mean over the subjects that choose.</p>\n");
    open("Learning rates tried", List.of("Cell", "Fold", "Learning rate", "Score", "Chosen"));
    for (SearchRow row : search) {
      html.raw("<tr><th scope=\"row\">").text(row.cell()).raw("</th>");
      number(Integer.toString(row.fold()));
      number(StudyText.rates(List.of(row.learningRate())));
      number(row.score() == null ? "failed" : Html.format("%.3f", row.score()));
      number(row.chosen() ? "yes" : "");
      html.raw("</tr>\n");
    }
    close();
    html.raw("</section>\n");
  }

  private void failures() {
    if (table.cells().stream().allMatch(cell -> cell.failures().isEmpty())) {
      return;
    }
    html.raw("<section id=\"failures\"><h2>Failed</h2>\n<dl>\n");
    for (CellSummary cell : table.cells()) {
      cell.failures().forEach(why -> ProtocolSection.fact(html, cell.cell(), why));
    }
    html.raw("</dl></section>\n");
  }

  private List<StudyMetric> measured(
      Function<CellSummary, Map<StudyMetric, ConfidenceInterval>> figures) {
    return Arrays.stream(StudyMetric.values())
        .filter(m -> table.cells().stream().anyMatch(c -> figures.apply(c).containsKey(m)))
        .toList();
  }

  private void open(String label, List<String> heading) {
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"").text(label);
    html.raw("\"><table class=\"subjects sortable\"><thead><tr>");
    for (int i = 0; i < heading.size(); i++) {
      html.raw(
          i == 0
              ? "<th scope=\"col\" data-sort=\"text\">"
              : "<th scope=\"col\" class=\"number\" data-sort=\"number\">");
      html.text(heading.get(i)).raw("</th>");
    }
    html.raw("</tr></thead>\n<tbody>");
  }

  private void row(CellSummary cell) {
    html.raw("<tr><th scope=\"row\">").text(cell.cell()).raw("</th>");
  }

  private void score(ConfidenceInterval interval) {
    if (interval == null) {
      number("-");
      return;
    }
    html.raw("<td class=\"number\"><b>").raw(Scores.format(interval.mean())).raw("</b> <small>");
    html.raw(Scores.format(interval.low())).raw(" to ").raw(Scores.format(interval.high()));
    html.raw("</small></td>");
  }

  private void number(String text) {
    html.raw("<td class=\"number\">").text(text).raw("</td>");
  }

  private void close() {
    html.raw("</tbody></table></div>\n");
  }
}
