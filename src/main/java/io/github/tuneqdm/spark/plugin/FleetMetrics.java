package io.github.tuneqdm.spark.plugin;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.Metric;
import com.codahale.metrics.MetricSet;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/**
 * Figures of the whole application, on the driver: sums over its executors. Counts of executors
 * that are gone stay; what an executor that has fallen silent was doing does not.
 */
final class FleetMetrics implements MetricSet {
  private static final long SILENT_NANOS = 30_000_000_000L;

  private record Heard(WorkerFigures figures, long nanos) {}

  private final LongSupplier nanoTime;
  private final Map<String, Heard> byExecutor = new HashMap<>();
  private long executorsEnded;

  FleetMetrics(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  synchronized void heard(WorkerFigures figures) {
    byExecutor.put(figures.executor(), new Heard(figures, nanoTime.getAsLong()));
  }

  synchronized void ended() {
    executorsEnded++;
  }

  @Override
  public Map<String, Metric> getMetrics() {
    Map<String, Metric> metrics = new HashMap<>();
    metrics.put("subjects_done", count(WorkerFigures::subjectsDone));
    metrics.put("subjects_failed", count(WorkerFigures::subjectsFailed));
    metrics.put("subject_steps", count(WorkerFigures::subjectSteps));
    metrics.put("model_cache_hits", count(WorkerFigures::cacheHits));
    metrics.put("model_cache_misses", count(WorkerFigures::cacheMisses));
    metrics.put("subject_steps_per_second", present(WorkerFigures::stepsPerSecond));
    metrics.put("gpu_bytes", present(WorkerFigures::gpuBytes));
    metrics.put("mean_loss", (Gauge<Double>) this::meanLoss);
    metrics.put("executors_ended", (Gauge<Long>) this::executorsEnded);
    return metrics;
  }

  private Gauge<Long> count(ToLongFunction<WorkerFigures> figure) {
    return () -> all().mapToLong(figure).sum();
  }

  private Gauge<Double> present(ToDoubleFunction<WorkerFigures> figure) {
    return () -> speaking().mapToDouble(figure).sum();
  }

  private double meanLoss() {
    return speaking()
        .mapToDouble(WorkerFigures::meanLoss)
        .filter(Double::isFinite)
        .average()
        .orElse(Double.NaN);
  }

  private synchronized long executorsEnded() {
    return executorsEnded;
  }

  private synchronized Stream<WorkerFigures> all() {
    return byExecutor.values().stream().map(Heard::figures).toList().stream();
  }

  private synchronized Stream<WorkerFigures> speaking() {
    long now = nanoTime.getAsLong();
    return byExecutor.values().stream()
        .filter(heard -> now - heard.nanos < SILENT_NANOS)
        .map(Heard::figures)
        .toList()
        .stream();
  }
}
