package io.github.tuneqdm.spark;

import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/** Measures a batch while it trains. */
final class Speedometer {
  private final List<String> subjects;
  private final LongSupplier nanoTime;
  private final LongSupplier gpuBytes;
  private final long gpuBytesBefore;
  private long startedAt;
  private int startedAfter;
  private long seenAt;
  private int seen;
  private long most;

  /**
   * @param gpuBytes in use on the device; 0 on the CPU
   */
  Speedometer(List<String> subjects, LongSupplier nanoTime, LongSupplier gpuBytes) {
    this.subjects = List.copyOf(subjects);
    this.nanoTime = nanoTime;
    this.gpuBytes = gpuBytes;
    this.gpuBytesBefore = gpuBytes.getAsLong();
  }

  void started(int done) {
    startedAt = nanoTime.getAsLong();
    startedAfter = done;
    seen = done;
  }

  /** Returns the bytes in use now. */
  long stepped(int step) {
    seenAt = nanoTime.getAsLong();
    seen = step;
    long bytes = gpuBytes.getAsLong();
    most = Math.max(most, bytes);
    return bytes;
  }

  /** Nothing where no step was taken. */
  Optional<TrainingSpeed> speed() {
    int steps = seen - startedAfter;
    double seconds = (seenAt - startedAt) * 1e-9;
    return steps <= 0 || seconds <= 0
        ? Optional.empty()
        : Optional.of(
            new TrainingSpeed(
                subjects,
                steps,
                seconds,
                steps * subjects.size() / seconds,
                most > gpuBytesBefore ? most - gpuBytesBefore : null)); // others may use the device
  }
}
