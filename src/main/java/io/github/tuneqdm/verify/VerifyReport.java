package io.github.tuneqdm.verify;

import java.util.Collection;
import java.util.List;
import java.util.Locale;

/** Verdicts as a table for a terminal, whose lines can be printed one by one as they come. */
public final class VerifyReport {
  private final String format;

  private VerifyReport(int nameWidth) {
    this.format = "%-4s  %-" + Math.max(4, nameWidth) + "s  %8s  %8s  %s";
  }

  /** A table wide enough for these files. */
  public static VerifyReport forFiles(Collection<String> files) {
    return new VerifyReport(files.stream().mapToInt(String::length).max().orElse(0));
  }

  /** The whole table, its heading and its sum. */
  public static String render(List<VerifyRow> rows) {
    VerifyReport report = forFiles(rows.stream().map(VerifyRow::file).toList());
    StringBuilder text = new StringBuilder(report.heading()).append('\n');
    rows.forEach(row -> text.append(report.line(row)).append('\n'));
    return text.append(sum(rows)).append('\n').toString();
  }

  public String heading() {
    return String.format(format, "", "file", "max-abs", "relative", "").stripTrailing();
  }

  public String line(VerifyRow row) {
    return String.format(
        format,
        row.passed() ? "ok" : "FAIL",
        row.file(),
        figure(row.maxAbs()),
        figure(row.relative()),
        row.detail());
  }

  /** {@code N of M files agree}. */
  public static String sum(List<VerifyRow> rows) {
    long passed = rows.stream().filter(VerifyRow::passed).count();
    return passed + " of " + rows.size() + " files agree";
  }

  private static String figure(double value) {
    if (Double.isNaN(value)) {
      return "-";
    }
    return value == 0 ? "0" : String.format(Locale.ROOT, "%.1e", value);
  }
}
