package io.github.tuneqdm.spark;

import java.util.Map;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import scala.jdk.javaapi.CollectionConverters;

/** Hands what executors report in a {@link ProgressAccumulator} to a {@link ProgressLine}. */
final class ProgressListener extends SparkListener {
  private final long accumulatorId;
  private final ProgressLine line;

  ProgressListener(long accumulatorId, ProgressLine line) {
    this.accumulatorId = accumulatorId;
    this.line = line;
  }

  @Override
  public void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate update) {
    CollectionConverters.asJava(update.accumUpdates())
        .forEach(task -> CollectionConverters.asJava(task._4()).forEach(this::take));
  }

  @Override
  public void onTaskEnd(SparkListenerTaskEnd end) {
    CollectionConverters.asJava(end.taskInfo().accumulables()).forEach(this::take);
  }

  private void take(AccumulableInfo info) {
    if (info.id() == accumulatorId
        && info.update().isDefined()
        && info.update().get() instanceof Map<?, ?> batches) {
      batches.values().forEach(progress -> line.update((BatchProgress) progress));
    }
  }
}
