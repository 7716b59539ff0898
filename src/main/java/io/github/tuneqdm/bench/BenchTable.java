package io.github.tuneqdm.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Rows as text for people and as JSON for programs. A row's share is its arithmetic a second in
 * parts of what the machine reaches on large matrix products in the same precision, which the row
 * {@value #MATMUL} of that precision tells.
 *
 * @param model that was measured
 * @param device the machine, in words
 * @param skipped what could not be measured, and why
 */
public record BenchTable(
    String model, String device, List<BenchRow> rows, List<Parity> parity, List<String> skipped) {
  static final String MATMUL = "matmul";

  private static final String HEAD =
      "%-8s %8s %5s %4s %-8s %-8s %10s %10s %10s %8s %8s %8s %8s %6s  %s";
  private static final double GIBI = 1 << 30;

  public BenchTable {
    rows = List.copyOf(rows);
    parity = List.copyOf(parity);
    skipped = List.copyOf(skipped);
  }

  static String heading() {
    return HEAD.formatted(
        "what",
        "subjects",
        "batch",
        "bits",
        "mode",
        "type",
        "median ms",
        "min ms",
        "max ms",
        "net GiB",
        "peak GiB",
        "held GiB",
        "TFLOP/s",
        "share",
        "a second");
  }

  /** One row; its share is told by the rows before it. */
  static String line(BenchRow row, List<BenchRow> before) {
    return String.format(
        Locale.ROOT,
        HEAD,
        row.what(),
        known(row.subjects(), "%.0f"),
        known(row.batch(), "%.0f"),
        known(row.bits(), "%.0f"),
        row.mode().isEmpty() ? "-" : row.mode(),
        row.precision().isEmpty() ? "-" : row.precision(),
        known(row.time().median(), "%.2f"),
        known(row.time().min(), "%.2f"),
        known(row.time().max(), "%.2f"),
        known(row.memory().network() / GIBI, "%.3f"),
        known(row.memory().peak() / GIBI, "%.3f"),
        known(row.memory().reserved() / GIBI, "%.3f"),
        known(row.teraFlops(), row.teraFlops() < 1 ? "%.3f" : "%.1f"),
        known(100 * share(row, before), "%.1f%%"),
        row.rates().entrySet().stream()
            .map(rate -> String.format(Locale.ROOT, "%.2f %s", rate.getValue(), rate.getKey()))
            .collect(Collectors.joining(", ")));
  }

  private static double share(BenchRow row, List<BenchRow> rows) {
    return rows.stream()
        .filter(r -> r.what().equals(MATMUL) && r.precision().equals(row.precision()))
        .mapToDouble(matmul -> row.teraFlops() / matmul.teraFlops())
        .findFirst()
        .orElse(0);
  }

  private static String known(double value, String format) {
    return value > 0 ? String.format(Locale.ROOT, format, value) : "-";
  }

  /** A line a row, below a line of headings. */
  public String text() {
    List<String> lines = new ArrayList<>();
    lines.add(heading());
    rows.forEach(row -> lines.add(line(row, rows)));
    parity.forEach(p -> lines.add(p.text()));
    lines.addAll(skipped);
    return String.join(System.lineSeparator(), lines);
  }

  /** Everything, with the names of this record and of {@link BenchRow}, and each row's share. */
  public String json() {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode root = mapper.createObjectNode().put("model", model).put("device", device);
    ArrayNode list = root.putArray("rows");
    for (BenchRow row : rows) {
      ObjectNode node =
          list.addObject()
              .put("what", row.what())
              .put("subjects", row.subjects())
              .put("batch", row.batch())
              .put("bits", row.bits())
              .put("mode", row.mode())
              .put("precision", row.precision())
              .put("medianMillis", row.time().median())
              .put("minMillis", row.time().min())
              .put("maxMillis", row.time().max())
              .put("networkBytes", row.memory().network())
              .put("peakBytes", row.memory().peak())
              .put("reservedBytes", row.memory().reserved())
              .put("teraFlops", row.teraFlops())
              .put("share", share(row, rows));
      ObjectNode rates = node.putObject("perSecond");
      row.rates().forEach(rates::put);
    }
    ArrayNode checks = root.putArray("parity");
    for (Parity p : parity) {
      checks
          .addObject()
          .put("precision", p.precision())
          .put("outputError", p.output())
          .put("gradientError", p.gradient());
    }
    skipped.forEach(root.putArray("skipped")::add);
    try {
      return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
