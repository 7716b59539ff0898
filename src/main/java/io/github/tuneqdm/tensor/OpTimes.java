package io.github.tuneqdm.tensor;

import io.github.tuneqdm.tensor.cuda.CudaDevice;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Where time goes, operation by operation. The host waits for the device around each, so the times
 * of short ones are too long by the wait; nothing recorded is seen, only what the host queues.
 */
public final class OpTimes {
  private static final double NANOS_A_MILLI = 1e6;
  private static final ThreadLocal<OpTimes> CURRENT = new ThreadLocal<>();

  /** One operation's calls. */
  public record Entry(String operation, int calls, double millis) {}

  private final Compute compute;
  private final Map<String, Entry> entries = new HashMap<>();

  private OpTimes(Compute compute) {
    this.compute = compute;
  }

  /** What {@code work} spends in this thread, longest first. */
  public static List<Entry> of(Compute compute, Runnable work) {
    OpTimes times = new OpTimes(compute);
    CURRENT.set(times);
    try {
      work.run();
    } finally {
      CURRENT.remove();
    }
    return times.entries.values().stream()
        .sorted(Comparator.comparingDouble(Entry::millis).reversed())
        .toList();
  }

  /** Runs {@code work}, and notes how long it takes where somebody asks. */
  static <T> T measure(String operation, Supplier<T> work) {
    OpTimes times = CURRENT.get();
    if (times == null) {
      return work.get();
    }
    times.synchronize();
    long start = System.nanoTime();
    T result = work.get();
    times.synchronize();
    double millis = (System.nanoTime() - start) / NANOS_A_MILLI;
    times.entries.merge(
        operation,
        new Entry(operation, 1, millis),
        (a, b) -> new Entry(operation, a.calls + b.calls, a.millis + b.millis));
    return result;
  }

  private void synchronize() {
    compute.cuda().ifPresent(CudaDevice::synchronize);
  }
}
