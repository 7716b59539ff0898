package io.github.tuneqdm.spark.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricSet;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class MetricsTest {
  private static final long SECOND = 1_000_000_000L;

  private final AtomicLong nanos = new AtomicLong();
  private final WorkerMetrics worker = new WorkerMetrics(nanos::get);
  private final FleetMetrics fleet = new FleetMetrics(nanos::get);

  private static Object value(MetricSet metrics, String name) {
    return ((Gauge<?>) metrics.getMetrics().get(name)).getValue();
  }

  @Test
  void aBatchCountsForEachOfItsSubjects() {
    worker.started(0, 4, 0);
    nanos.addAndGet(2 * SECOND);
    worker.stepped(0, 10, 0.25, 1000);

    assertThat(value(worker, "executor_subject_steps")).isEqualTo(40L);
    assertThat(value(worker, "executor_subject_steps_per_second")).isEqualTo(20.0);
    assertThat(value(worker, "executor_mean_loss")).isEqualTo(0.25);
    assertThat(value(worker, "executor_gpu_bytes")).isEqualTo(1000L);

    worker.ended(0);
    assertThat(value(worker, "executor_subject_steps")).isEqualTo(40L);
    assertThat(value(worker, "executor_subject_steps_per_second")).isEqualTo(0.0);
    assertThat(value(worker, "executor_mean_loss")).isEqualTo(0.25);
    assertThat(value(worker, "executor_gpu_bytes")).isEqualTo(0L);
  }

  @Test
  void stepsOfAnEarlierAttemptAreNotCountedAgain() {
    worker.started(3, 1, 100);
    worker.stepped(3, 110, 0.5, 0);
    assertThat(value(worker, "executor_subject_steps")).isEqualTo(10L);
  }

  @Test
  void theDriverAddsItsExecutorsUp() {
    fleet.heard(new WorkerFigures("0", 2, 1, 80, 4, 0.2, 100, 5, 1));
    fleet.heard(new WorkerFigures("1", 3, 0, 20, 6, 0.4, 200, 0, 2));
    fleet.heard(new WorkerFigures("1", 4, 0, 40, 6, 0.4, 200, 0, 2));

    assertThat(value(fleet, "subjects_done")).isEqualTo(6L);
    assertThat(value(fleet, "subjects_failed")).isEqualTo(1L);
    assertThat(value(fleet, "subject_steps")).isEqualTo(120L);
    assertThat(value(fleet, "subject_steps_per_second")).isEqualTo(10.0);
    assertThat((double) value(fleet, "mean_loss")).isBetween(0.299, 0.301);
    assertThat(value(fleet, "gpu_bytes")).isEqualTo(300.0);
    assertThat(value(fleet, "model_cache_hits")).isEqualTo(5L);
    assertThat(value(fleet, "model_cache_misses")).isEqualTo(3L);
  }

  @Test
  void whatASilentExecutorWasDoingIsForgottenButNotWhatItDid() {
    fleet.heard(new WorkerFigures("0", 2, 1, 80, 4, 0.2, 100, 0, 0));
    nanos.addAndGet(31 * SECOND);
    assertThat(value(fleet, "subjects_done")).isEqualTo(2L);
    assertThat(value(fleet, "subject_steps_per_second")).isEqualTo(0.0);
    assertThat(value(fleet, "gpu_bytes")).isEqualTo(0.0);
  }
}
