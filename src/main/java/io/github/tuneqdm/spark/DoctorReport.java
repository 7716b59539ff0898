package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.spark.doctor.Finding;
import io.github.tuneqdm.spark.doctor.Finding.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What {@code doctor} found, machine by machine.
 *
 * @param rows in the order they were found
 */
public record DoctorReport(List<Row> rows) {

  /**
   * @param where {@code driver}, or an executor and its host
   */
  public record Row(String where, Finding finding) {}

  public DoctorReport {
    rows = List.copyOf(rows);
  }

  public ExitCode exitCode() {
    return count(Level.FAIL) == 0 ? ExitCode.DONE : ExitCode.ENVIRONMENT;
  }

  private long count(Level level) {
    return rows.stream().filter(row -> row.finding().level() == level).count();
  }

  /** A table for a terminal; what is to be mended stands under its row. */
  public List<String> lines() {
    int where = rows.stream().mapToInt(row -> row.where().length()).max().orElse(0);
    int check = rows.stream().mapToInt(row -> row.finding().check().length()).max().orElse(0);
    List<String> lines = new ArrayList<>();
    for (Row row : rows) {
      Finding finding = row.finding();
      lines.add(
          String.format(
              "%-4s  %-" + where + "s  %-" + check + "s  %s",
              finding.level().toString().toLowerCase(Locale.ROOT),
              row.where(),
              finding.check(),
              finding.found()));
      if (!finding.remedy().isEmpty()) {
        lines.add(" ".repeat(4 + 2 + where + 2 + check + 2) + "to mend: " + finding.remedy());
      }
    }
    lines.add(
        "%d ok, %d to look at, %d to mend"
            .formatted(count(Level.OK), count(Level.WARN), count(Level.FAIL)));
    return lines;
  }
}
