package io.github.tuneqdm.spark.plugin;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.Metric;
import com.codahale.metrics.MetricSet;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * Figures of the training in this JVM. Tasks write them; Spark's metrics system reads them as
 * {@code executor_*}, and {@link ExecutorSide} sends them to the driver.
 */
public final class WorkerMetrics implements MetricSet {
  // Spark makes the plugin and deserialises the tasks: they meet nowhere but in the JVM.
  private static final WorkerMetrics OF_THIS_JVM = new WorkerMetrics(System::nanoTime);

  private final LongSupplier nanoTime;
  private final Map<Integer, Batch> running = new HashMap<>();
  private long subjectsDone;
  private long subjectsFailed;
  private long subjectSteps;
  private double lastMeanLoss = Double.NaN;
  private long cacheHits;
  private long cacheMisses;

  WorkerMetrics(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** A batch that is training now, as it last reported. */
  private record Batch(
      int subjects, int step, long nanos, double stepsPerSecond, double meanLoss, long gpuBytes) {}

  public static WorkerMetrics ofThisJvm() {
    return OF_THIS_JVM;
  }

  /**
   * A batch begins to train.
   *
   * @param step it begins after: 0, or what an interrupted attempt reached
   */
  public synchronized void started(int batch, int subjects, int step) {
    running.put(batch, new Batch(subjects, step, nanoTime.getAsLong(), 0, Double.NaN, 0));
  }

  /**
   * A batch reached a step.
   *
   * @param gpuBytes in use on its GPU; 0 on the CPU
   */
  public synchronized void stepped(int batch, int step, double meanLoss, long gpuBytes) {
    Batch before = running.get(batch);
    if (before == null) {
      return; // the application that it belonged to has ended
    }
    long now = nanoTime.getAsLong();
    long steps = (long) Math.max(0, step - before.step) * before.subjects;
    double seconds = Math.max(1e-6, (now - before.nanos) * 1e-9);
    subjectSteps += steps;
    lastMeanLoss = meanLoss;
    running.put(batch, new Batch(before.subjects, step, now, steps / seconds, meanLoss, gpuBytes));
  }

  /** A batch trains no more, for whatever reason. */
  public synchronized void ended(int batch) {
    running.remove(batch);
  }

  public synchronized void subjectDone() {
    subjectsDone++;
  }

  public synchronized void subjectFailed() {
    subjectsFailed++;
  }

  /** A model or base from remote storage was on this machine's disk already. */
  public synchronized void cacheHit() {
    cacheHits++;
  }

  /** A model or base had to be copied from remote storage. */
  public synchronized void cacheMiss() {
    cacheMisses++;
  }

  /** Forgets what an earlier application did in this JVM. */
  synchronized void reset() {
    running.clear();
    subjectsDone = 0;
    subjectsFailed = 0;
    subjectSteps = 0;
    lastMeanLoss = Double.NaN;
    cacheHits = 0;
    cacheMisses = 0;
  }

  synchronized WorkerFigures figures(String executor) {
    return new WorkerFigures(
        executor,
        subjectsDone,
        subjectsFailed,
        subjectSteps,
        running.values().stream().mapToDouble(Batch::stepsPerSecond).sum(),
        running.values().stream()
            .mapToDouble(Batch::meanLoss)
            .filter(Double::isFinite)
            .average()
            .orElse(lastMeanLoss),
        running.values().stream().mapToLong(Batch::gpuBytes).sum(),
        cacheHits,
        cacheMisses);
  }

  @Override
  public Map<String, Metric> getMetrics() {
    Map<String, Metric> metrics = new HashMap<>();
    metrics.put("executor_subjects_done", gauge(WorkerFigures::subjectsDone));
    metrics.put("executor_subjects_failed", gauge(WorkerFigures::subjectsFailed));
    metrics.put("executor_subject_steps", gauge(WorkerFigures::subjectSteps));
    metrics.put("executor_subject_steps_per_second", gauge(WorkerFigures::stepsPerSecond));
    metrics.put("executor_mean_loss", gauge(WorkerFigures::meanLoss));
    metrics.put("executor_gpu_bytes", gauge(WorkerFigures::gpuBytes));
    metrics.put("executor_model_cache_hits", gauge(WorkerFigures::cacheHits));
    metrics.put("executor_model_cache_misses", gauge(WorkerFigures::cacheMisses));
    return metrics;
  }

  private <T> Gauge<T> gauge(Function<WorkerFigures, T> figure) {
    return () -> figure.apply(figures(""));
  }
}
