package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.report.ReportData.Progress;
import io.github.tuneqdm.report.ReportData.StepLoss;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LiveReportTest {
  private static final Duration SOON = Duration.ofMillis(1);

  @Test
  void aPageIsWrittenAtOnceAndAgainWhateverHappensToIt() throws InterruptedException {
    CountDownLatch thrice = new CountDownLatch(3);
    LiveReport report =
        new LiveReport(
            () -> {
              thrice.countDown();
              throw new IllegalStateException("disk gone");
            },
            SOON);
    try (report) {
      assertThat(thrice.await(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void nothingIsWrittenAfterTheEnd() throws InterruptedException {
    CountDownLatch begun = new CountDownLatch(1);
    AtomicInteger begins = new AtomicInteger();
    AtomicInteger ends = new AtomicInteger();
    LiveReport report =
        new LiveReport(
            () -> {
              begins.incrementAndGet();
              begun.countDown();
              sleep(50);
              ends.incrementAndGet();
            },
            SOON);
    assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();

    report.close();

    int written = begins.get();
    assertThat(ends).as("a page that was begun is finished").hasValue(written);
    sleep(200);
    assertThat(begins).hasValue(written);
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void batchesUnderWayAreShownWithTheirLosses() {
    TrainingProgress training = new TrainingProgress(Map.of(0, 4, 1, 2, 2, 4), 400);
    training.update(new BatchProgress(0, 10, 0.5));
    training.update(new BatchProgress(0, 20, 0.4));
    training.update(new BatchProgress(0, 20, 0.4)); // a heartbeat without a step
    training.update(new BatchProgress(1, 300, 0.3));
    training.update(new BatchProgress(1, 5, 0.6)); // another executor began it anew
    training.update(new BatchProgress(2, 399, 0.2));
    training.update(new BatchProgress(2, 400, 0.2));

    Progress shown = training.shown(5, 10, "half", Instant.EPOCH);

    assertThat(shown.batches()).extracting(batch -> batch.batch()).containsExactly(0, 1);
    assertThat(shown.batches().get(0).losses())
        .containsExactly(new StepLoss(10, 0.5), new StepLoss(20, 0.4));
    assertThat(shown.batches().get(1).losses()).containsExactly(new StepLoss(5, 0.6));
    assertThat(shown.batches().get(1).subjects()).isEqualTo(2);
  }

  @Test
  void aLongTrainingIsRememberedInFewPoints() {
    TrainingProgress training = new TrainingProgress(Map.of(0, 4), 100_000);
    for (int step = 1; step < 50_000; step++) {
      training.update(new BatchProgress(0, step, 0.5));
    }
    assertThat(training.shown(0, 4, "", Instant.EPOCH).batches().get(0).losses())
        .hasSizeBetween(200, 400)
        .endsWith(new StepLoss(49_999, 0.5));
  }
}
