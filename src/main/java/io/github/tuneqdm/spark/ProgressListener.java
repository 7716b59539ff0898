package io.github.tuneqdm.spark;

import java.util.Map;
import java.util.function.Consumer;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import scala.jdk.javaapi.CollectionConverters;

/** Hands on what executors report in a {@link ProgressAccumulator}. */
final class ProgressListener extends SparkListener {
  private final long accumulatorId;
  private final Consumer<BatchProgress> taker;

  ProgressListener(long accumulatorId, Consumer<BatchProgress> taker) {
    this.accumulatorId = accumulatorId;
    this.taker = taker;
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
      batches.values().forEach(progress -> taker.accept((BatchProgress) progress));
    }
  }
}
