package io.github.tuneqdm.spark;

import java.io.PrintStream;
import java.util.Iterator;
import java.util.Map;

/** Says in a few lines how training ended, and lists the subjects that failed with their causes. */
public final class TrainingSummary {
  private static final int MOST_ROWS = 20;

  private TrainingSummary() {}

  public static void print(TrainAllSubjectsJob.Result result, PrintStream out) {
    TrainAllSubjectsJob.Counts counts = result.counts();
    int failed = counts.failed();
    if (counts.trained() == 0 && failed == 0) {
      out.println("Nothing to do: all %d subjects are trained".formatted(counts.alreadyDone()));
      return;
    }
    out.println(
        "%d trained, %d there before, %d failed"
            .formatted(counts.trained(), counts.alreadyDone(), failed));
    int width =
        result.failures().keySet().stream()
            .limit(MOST_ROWS)
            .mapToInt(String::length)
            .reduce("failed".length(), Math::max);
    if (failed > 0) {
      row(out, width, "failed", "why");
    }
    Iterator<Map.Entry<String, String>> rows = result.failures().entrySet().iterator();
    for (int i = 0; i < MOST_ROWS && rows.hasNext(); i++) {
      Map.Entry<String, String> failure = rows.next();
      row(out, width, failure.getKey(), failure.getValue().replaceAll("\\s+", " "));
    }
    if (failed > MOST_ROWS) {
      out.println(
          "  and %d more: each one's subjects/<name>/status.json in %s says why"
              .formatted(failed - MOST_ROWS, result.folder()));
    }
    if (result.stoppedBy().isPresent()) {
      out.println(
          "Stopped at the first failure (tuneqdm.run.fail-fast). What is trained stays; the same"
              + " command goes on where it was, and without --fail-fast it goes past what fails.");
    }
  }

  private static void row(PrintStream out, int width, String name, String cause) {
    out.println("  %s  %s".formatted(name + " ".repeat(width - name.length()), cause));
  }
}
