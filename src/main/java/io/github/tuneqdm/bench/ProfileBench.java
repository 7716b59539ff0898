package io.github.tuneqdm.bench;

import io.github.tuneqdm.tensor.OpTimes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Where a training step's time goes, operation by operation. */
final class ProfileBench {
  private static final String LINE = "%-28s %7s %10s %7s";

  private final LoadedBase base;
  private final TrainBench train;

  ProfileBench(LoadedBase base) {
    this.base = base;
    this.train = new TrainBench(base);
  }

  /** A table of operations, longest first, from the second of two steps. */
  List<String> run(int subjects, int perSubject) {
    train.firstStep(subjects, perSubject);
    List<OpTimes.Entry> entries =
        OpTimes.of(base.compute(), () -> train.firstStep(subjects, perSubject));
    double total = entries.stream().mapToDouble(OpTimes.Entry::millis).sum();
    List<String> lines = new ArrayList<>();
    lines.add(
        "A training step of %d subjects, batch %d, waiting for each operation:"
            .formatted(subjects, perSubject));
    lines.add(LINE.formatted("operation", "calls", "ms", "share"));
    for (OpTimes.Entry entry : entries) {
      lines.add(
          String.format(
              Locale.ROOT,
              LINE,
              entry.operation(),
              entry.calls(),
              String.format(Locale.ROOT, "%.3f", entry.millis()),
              String.format(Locale.ROOT, "%.1f%%", 100 * entry.millis() / total)));
    }
    return lines;
  }
}
