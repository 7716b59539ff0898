package io.github.tuneqdm.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToLongFunction;

/**
 * Memory over a long run, and whether it grows: the slope of a least-squares line through what was
 * seen after warm-up, over the length of the run after it, in parts of the mean.
 *
 * @param phase what was done, such as {@code train}
 * @param warmUp steps or pictures before the run: caches fill, code is compiled
 * @param seen in order
 */
record MemoryTrend(String phase, int warmUp, List<Seen> seen) {
  private static final double MEBI = 1 << 20;

  /**
   * Bytes at one moment; 0 where they cannot be told.
   *
   * @param at how far it was, in steps or pictures, those of the warm-up included
   * @param resident of the whole process
   * @param heap of Java, after a collection
   * @param gpu of the device
   */
  record Seen(int at, long resident, long heap, long gpu) {

    String line(String phase) {
      return String.format(
          Locale.ROOT,
          "%-8s %8d %12.1f %12.1f %12.1f",
          phase,
          at,
          resident / MEBI,
          heap / MEBI,
          gpu / MEBI);
    }
  }

  static String heading() {
    return "%-8s %8s %12s %12s %12s".formatted("phase", "at", "RSS MiB", "heap MiB", "GPU MiB");
  }

  MemoryTrend {
    seen = List.copyOf(seen);
  }

  double resident() {
    return growth(Seen::resident);
  }

  double heap() {
    return growth(Seen::heap);
  }

  double gpu() {
    return growth(Seen::gpu);
  }

  private double growth(ToLongFunction<Seen> bytes) {
    int length = seen.get(seen.size() - 1).at - warmUp;
    List<Seen> warm = new ArrayList<>(seen);
    warm.removeIf(s -> s.at <= warmUp);
    double meanAt = warm.stream().mapToInt(Seen::at).average().orElse(0);
    double mean = warm.stream().mapToLong(bytes).average().orElse(0);
    double covariance = 0;
    double variance = 0;
    for (Seen s : warm) {
      covariance += (s.at - meanAt) * (bytes.applyAsLong(s) - mean);
      variance += (s.at - meanAt) * (s.at - meanAt);
    }
    return variance > 0 && mean > 0 ? covariance / variance * length / mean : 0;
  }

  String text() {
    return String.format(
        Locale.ROOT,
        "%-8s grows by: RSS %.2f %%, heap %.2f %%, GPU %.2f %%",
        phase,
        100 * resident(),
        100 * heap(),
        100 * gpu());
  }
}
