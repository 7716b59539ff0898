package io.github.tuneqdm.spark;

import java.util.HashMap;
import java.util.Map;
import org.apache.spark.util.AccumulatorV2;

/**
 * Carries the progress of running batches to the driver, by batch. Executors send it with every
 * heartbeat, long before the task ends. Its value is immutable, since the heartbeat thread reads it
 * while the task goes on.
 */
final class ProgressAccumulator extends AccumulatorV2<BatchProgress, Map<Integer, BatchProgress>> {
  private static final long serialVersionUID = 1L;

  private volatile HashMap<Integer, BatchProgress> latest = new HashMap<>();

  @Override
  public boolean isZero() {
    return latest.isEmpty();
  }

  @Override
  public ProgressAccumulator copy() {
    ProgressAccumulator copy = new ProgressAccumulator();
    copy.latest = latest;
    return copy;
  }

  @Override
  public void reset() {
    latest = new HashMap<>();
  }

  @Override
  public void add(BatchProgress progress) {
    HashMap<Integer, BatchProgress> next = new HashMap<>(latest);
    next.put(progress.batch(), progress);
    latest = next;
  }

  @Override
  public void merge(AccumulatorV2<BatchProgress, Map<Integer, BatchProgress>> other) {
    other.value().values().forEach(this::add);
  }

  @Override
  public Map<Integer, BatchProgress> value() {
    return Map.copyOf(latest);
  }
}
