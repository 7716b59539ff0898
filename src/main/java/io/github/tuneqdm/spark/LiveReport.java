package io.github.tuneqdm.spark;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the run's page now and then while a job is at work, on a thread of its own. A page that
 * cannot be written is not missed: the job goes on.
 */
final class LiveReport implements AutoCloseable {
  static final Duration USUAL = Duration.ofSeconds(30);

  private static final Logger LOG = LoggerFactory.getLogger(LiveReport.class);

  private final Runnable page;
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "live-report");
            thread.setDaemon(true);
            return thread;
          });

  private boolean complained;

  /**
   * @param page writes it
   * @param period between the end of one writing and the start of the next
   */
  LiveReport(Runnable page, Duration period) {
    this.page = page;
    clock.scheduleWithFixedDelay(this::write, 0, period.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void write() {
    try {
      page.run();
    } catch (RuntimeException e) {
      if (!complained) {
        LOG.warn("Cannot write the report while the run goes on: {}", e.getMessage());
        complained = true;
      }
    }
  }

  /** When this returns, nothing more is written. */
  @Override
  public void close() {
    clock.shutdown(); // not at once: an interrupt would tear the page's stream
    boolean interrupted = false;
    while (true) {
      try {
        if (clock.awaitTermination(1, TimeUnit.MINUTES)) {
          break;
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
