package io.github.tuneqdm.bench;

import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.OpTimes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Where a step's time goes, operation by operation: of training, and of making pictures. */
final class ProfileBench implements AutoCloseable {
  private static final String LINE = "%-28s %7s %10s %7s";

  private final Compute compute;
  private final TrainBench train;
  private final SampleBench sample;

  ProfileBench(LoadedBase base) {
    this.compute = base.compute();
    this.train = new TrainBench(base);
    this.sample = new SampleBench(base);
  }

  /** Tables of operations, longest first, each from the second of two steps. */
  List<String> run(int subjects, int perSubject) {
    String batch =
        "%d subjects, batch %d, waiting for each operation:".formatted(subjects, perSubject);
    List<String> lines = new ArrayList<>();
    lines.add("A training step of " + batch);
    profile(() -> train.firstStep(subjects, perSubject), lines);
    lines.add("A denoising step with guidance of " + batch);
    profile(() -> sample.firstStep(subjects, perSubject), lines);
    return lines;
  }

  private void profile(Runnable step, List<String> lines) {
    step.run();
    List<OpTimes.Entry> entries = OpTimes.of(compute, step);
    double total = entries.stream().mapToDouble(OpTimes.Entry::millis).sum();
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
  }

  @Override
  public void close() {
    sample.close();
  }
}
