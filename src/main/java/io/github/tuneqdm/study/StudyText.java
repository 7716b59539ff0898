package io.github.tuneqdm.study;

import io.github.tuneqdm.metrics.ConfidenceInterval;
import io.github.tuneqdm.metrics.EvaluationProtocol;
import io.github.tuneqdm.metrics.Scores;
import io.github.tuneqdm.study.StudyProtocol.CellProtocol;
import io.github.tuneqdm.study.StudyProtocol.ChosenRate;
import io.github.tuneqdm.study.StudyTable.CellSummary;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** A study as Markdown that is readable on a terminal too: scores, differences, cost, protocol. */
public final class StudyText {
  private static final String MISSING = "-";
  private static final int FEWEST_FOR_A_STAR = 6;

  private final StudyTable table;
  private final StudyProtocol protocol;
  private final StringBuilder out = new StringBuilder();

  private StudyText(StudyTable table, StudyProtocol protocol) {
    this.table = table;
    this.protocol = protocol;
  }

  public static String render(StudyTable table, StudyProtocol protocol, List<SearchRow> search) {
    StudyText text = new StudyText(table, protocol);
    text.line("# Study %s", protocol.study());
    text.scores();
    table.reference().ifPresent(text::differences);
    text.cost();
    text.search(search);
    text.protocol();
    text.failures();
    return text.out.toString();
  }

  private void scores() {
    line("");
    line(
        "Means over %d subjects, each the mean of %d seeds; in brackets the 95 %% bootstrap"
            + " interval over subjects. Higher is better.",
        protocol.subjects().size(), protocol.seeds().size());
    List<StudyMetric> metrics = measured(CellSummary::scores);
    List<List<String>> rows = new ArrayList<>();
    rows.add(heading(metrics, "cell", "subjects", "learning rate"));
    for (CellSummary cell : table.cells()) {
      List<String> row = new ArrayList<>();
      row.add(cell.cell());
      row.add(Integer.toString(cell.subjects()));
      row.add(rates(cell.learningRates()));
      for (StudyMetric metric : metrics) {
        row.add(
            Optional.ofNullable(cell.scores().get(metric)).map(StudyText::score).orElse(MISSING));
      }
      rows.add(row);
    }
    rows(rows);
  }

  private void differences(String reference) {
    List<StudyMetric> metrics = measured(CellSummary::differences);
    if (metrics.isEmpty()) {
      return;
    }
    line("");
    line("## Difference to %s", reference);
    line("");
    line(
        "Paired by subject, with the 95 %% bootstrap interval of the mean difference; * where it"
            + " leaves out 0 and %d subjects or more are compared.",
        FEWEST_FOR_A_STAR);
    List<List<String>> rows = new ArrayList<>();
    rows.add(heading(metrics, "cell"));
    for (CellSummary cell : table.cells()) {
      if (!cell.cell().equals(reference)) {
        List<String> row = new ArrayList<>(List.of(cell.cell()));
        for (StudyMetric metric : metrics) {
          row.add(
              Optional.ofNullable(cell.differences().get(metric))
                  .map(interval -> difference(interval, cell.paired()))
                  .orElse(MISSING));
        }
        rows.add(row);
      }
    }
    rows(rows);
  }

  private void cost() {
    line("");
    line("## Cost");
    line("");
    line("Of one subject; peak memory and speed of the batch that it trained in.");
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of(
            "cell",
            "method",
            "bits",
            "trained parameters",
            "stored bytes",
            "peak GPU bytes",
            "subject-steps/s"));
    for (CellSummary cell : table.cells()) {
      rows.add(
          List.of(
              cell.cell(),
              cell.method() == null ? MISSING : cell.method(),
              cell.bits() == 0 ? MISSING : Integer.toString(cell.bits()),
              amount(cell.trainedParameters(), "%,.0f"),
              amount(cell.storedBytes(), "%,.0f"),
              amount(cell.peakBytes(), "%,.0f"),
              amount(cell.stepsPerSecond(), "%.1f")));
    }
    rows(rows);
  }

  private void search(List<SearchRow> search) {
    if (search.isEmpty()) {
      return;
    }
    line("");
    line("## Learning rates tried");
    line("");
    line(
        "Score: %s, mean over the subjects that choose; no subject chooses its own rate.",
        protocol.score());
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("cell", "fold", "learning rate", "score", "chosen"));
    for (SearchRow row : search) {
      rows.add(
          List.of(
              row.cell(),
              Integer.toString(row.fold()),
              rate(row.learningRate()),
              row.score() == null ? "failed" : Scores.format(row.score()),
              row.chosen() ? "yes" : ""));
    }
    rows(rows);
  }

  private void protocol() {
    line("");
    line("## Protocol");
    line("");
    facts(protocol).forEach((name, value) -> line("- %s: %s", name, value));
  }

  private void failures() {
    if (table.cells().stream().allMatch(cell -> cell.failures().isEmpty())) {
      return;
    }
    line("");
    line("## Failed");
    line("");
    for (CellSummary cell : table.cells()) {
      cell.failures().forEach(why -> line("- %s: %s", cell.cell(), why));
    }
  }

  /** What a reader has to know to compare the table with another, by what it is. */
  public static Map<String, String> facts(StudyProtocol protocol) {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("Product", protocol.product());
    facts.put("Subjects", String.join(", ", protocol.subjects()));
    facts.put("Training seeds", list(protocol.seeds()));
    EvaluationProtocol evaluation = protocol.evaluation();
    if (evaluation != null) {
      facts.put(
          "Prompts",
          "%d x %d images, SHA-256 %s"
              .formatted(
                  evaluation.prompts().size(),
                  evaluation.imagesPerPrompt(),
                  protocol.promptsSha256()));
      if (evaluation.livePrompts() != null) {
        facts.put(
            "Prompts of their own",
            "%d for %s"
                .formatted(
                    evaluation.livePrompts().prompts().size(),
                    String.join(", ", evaluation.livePrompts().classes())));
      }
      facts.put("Text", evaluation.tokenRule().description());
      facts.put(
          "Sampler",
          "%s, %d steps, guidance %s, seeds from %d"
              .formatted(
                  evaluation.sampler(),
                  evaluation.steps(),
                  evaluation.guidance(),
                  evaluation.firstSeed()));
      evaluation.modelHashes().forEach((name, hash) -> facts.put(name + " weights", hash));
    }
    for (CellProtocol cell : protocol.cells()) {
      if (!cell.learningRates().isEmpty()) {
        facts.put(
            "Learning rate of " + cell.cell(),
            cell.learningRates().stream().map(StudyText::chosen).collect(Collectors.joining("; ")));
      }
    }
    return facts;
  }

  private static String chosen(ChosenRate rate) {
    return rate.chosenBy().isEmpty()
        ? "%s, %s".formatted(rate(rate.learningRate()), rate.source())
        : "%s for %s, %s of %s"
            .formatted(
                rate(rate.learningRate()),
                String.join(", ", rate.subjects()),
                rate.source(),
                String.join(", ", rate.chosenBy()));
  }

  /** {@code 0.186 [0.150, 0.220]}. */
  public static String score(ConfidenceInterval interval) {
    return "%s [%s, %s]"
        .formatted(
            Scores.format(interval.mean()),
            Scores.format(interval.low()),
            Scores.format(interval.high()));
  }

  /**
   * {@code +0.012 [-0.003, +0.027]}, with a star where the interval leaves out 0.
   *
   * @param paired subjects that it is of: an interval of few is too narrow for a star
   */
  public static String difference(ConfidenceInterval interval, int paired) {
    return String.format(
        Locale.ROOT,
        "%+.3f [%+.3f, %+.3f]%s",
        interval.mean(),
        interval.low(),
        interval.high(),
        interval.excludes(0) && paired >= FEWEST_FOR_A_STAR ? " *" : "");
  }

  public static String rates(List<Double> rates) {
    return rates.isEmpty()
        ? MISSING
        : rates.stream().map(StudyText::rate).collect(Collectors.joining(", "));
  }

  private static String rate(double rate) {
    return new BigDecimal(Double.toString(rate)).stripTrailingZeros().toString();
  }

  /** A figure, or a dash where there is none. */
  public static String amount(Double figure, String format) {
    return figure == null ? MISSING : String.format(Locale.ROOT, format, figure);
  }

  private static String list(List<?> values) {
    return values.stream().map(String::valueOf).collect(Collectors.joining(", "));
  }

  private List<StudyMetric> measured(
      Function<CellSummary, Map<StudyMetric, ConfidenceInterval>> figures) {
    return Arrays.stream(StudyMetric.values())
        .filter(m -> table.cells().stream().anyMatch(c -> figures.apply(c).containsKey(m)))
        .toList();
  }

  private static List<String> heading(List<StudyMetric> metrics, String... first) {
    List<String> heading = new ArrayList<>(List.of(first));
    metrics.forEach(metric -> heading.add(metric.label()));
    return heading;
  }

  /** A Markdown table, its columns padded for the terminal. */
  private void rows(List<List<String>> rows) {
    int columns = rows.get(0).size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int c = 0; c < columns; c++) {
        widths[c] = Math.max(widths[c], row.get(c).length());
      }
    }
    line("");
    for (int r = 0; r < rows.size(); r++) {
      StringBuilder cells = new StringBuilder("|");
      for (int c = 0; c < columns; c++) {
        String text = rows.get(r).get(c);
        cells.append(' ').append(text).append(" ".repeat(widths[c] - text.length())).append(" |");
      }
      line("%s", cells);
      if (r == 0) {
        line(
            "|%s|",
            Arrays.stream(widths)
                .mapToObj(w -> "-".repeat(w + 2))
                .collect(Collectors.joining("|")));
      }
    }
  }

  private void line(String format, Object... values) {
    out.append(String.format(Locale.ROOT, format, values)).append('\n');
  }
}
