package io.github.tuneqdm.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Rows as text for people and as JSON for programs.
 *
 * @param device the machine, in words
 * @param ceilingTeraFlops what the device reaches on large matrix products, or 0 where nobody
 *     measured it
 */
public record BenchTable(String device, double ceilingTeraFlops, List<BenchRow> rows) {
  private static final String HEAD = "%-8s %8s %5s %4s %-8s %10s %10s %10s %9s %9s %9s %9s %8s %6s";
  private static final String LINE =
      "%-8s %8d %5d %4d %-8s %10.2f %10.2f %10.2f %9.2f %9.2f %9s %9s %8s %6s";

  public BenchTable {
    rows = List.copyOf(rows);
  }

  /** One line a row, below a line of headings. */
  public String text() {
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            Locale.ROOT,
            HEAD,
            "what",
            "subjects",
            "batch",
            "bits",
            "type",
            "median ms",
            "min ms",
            "max ms",
            "samples/s",
            "steps/s",
            "base GiB",
            "peak GiB",
            "TFLOP/s",
            "share"));
    for (BenchRow r : rows) {
      lines.add(
          String.format(
              Locale.ROOT,
              LINE,
              r.what(),
              r.subjects(),
              r.batch(),
              r.bits(),
              r.precision().toLowerCase(Locale.ROOT),
              r.millis(),
              r.minMillis(),
              r.maxMillis(),
              r.samplesPerSecond(),
              r.stepsPerSecond(),
              gibibytes(r.baseBytes()),
              gibibytes(r.peakBytes()),
              known(r.teraFlops(), "%.1f"),
              known(100 * share(r), "%.1f%%")));
    }
    return String.join(System.lineSeparator(), lines);
  }

  private double share(BenchRow row) {
    return ceilingTeraFlops > 0 ? row.teraFlops() / ceilingTeraFlops : 0;
  }

  private static String gibibytes(long bytes) {
    return known(bytes / (double) (1 << 30), "%.3f");
  }

  private static String known(double value, String format) {
    return value > 0 ? String.format(Locale.ROOT, format, value) : "-";
  }

  /**
   * {@code device}, {@code ceilingTeraFlops} and {@code rows} with the names of {@link BenchRow}.
   */
  public String json() {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode root = mapper.createObjectNode();
    root.put("device", device);
    root.put("ceilingTeraFlops", ceilingTeraFlops);
    ArrayNode list = root.putArray("rows");
    for (BenchRow r : rows) {
      list.addObject()
          .put("what", r.what())
          .put("subjects", r.subjects())
          .put("batch", r.batch())
          .put("bits", r.bits())
          .put("precision", r.precision())
          .put("millis", r.millis())
          .put("minMillis", r.minMillis())
          .put("maxMillis", r.maxMillis())
          .put("samplesPerSecond", r.samplesPerSecond())
          .put("stepsPerSecond", r.stepsPerSecond())
          .put("baseBytes", r.baseBytes())
          .put("peakBytes", r.peakBytes())
          .put("teraFlops", r.teraFlops())
          .put("share", share(r));
    }
    try {
      return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
