package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.spark.LeaseFiles.Lease;
import java.io.PrintStream;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One driver at a time works on a run. The lease ends by itself a while after its last renewal; its
 * holder gives up a third of that time earlier, so that clocks may differ by as much.
 */
final class RunLease implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RunLease.class);
  private static final int RENEWALS = 4; // within the time of a lease
  private static final long LOOK_MILLIS = 500;

  private final String run;
  private final LeaseFiles files;
  private final DriverProcess self;
  private final Duration length;
  private final Clock clock;
  private final Runnable stopWork;
  private final ScheduledExecutorService heart =
      Executors.newScheduledThreadPool(2, RunLease::thread);
  private volatile Instant renewed;
  private volatile String lost;
  private long number;

  private RunLease(
      String run,
      LeaseFiles files,
      DriverProcess self,
      Duration length,
      Clock clock,
      Runnable stopWork,
      Lease first) {
    this.run = run;
    this.files = files;
    this.self = self;
    this.length = length;
    this.clock = clock;
    this.stopWork = stopWork;
    this.number = first.number();
    this.renewed = first.until().minus(length);
  }

  /**
   * Takes the lease of a run and keeps it until it is closed. A holder that is dead, or has let its
   * time pass, gives way; one that may be alive elsewhere is waited for until its time has passed.
   *
   * @param seconds without a renewal until others may take over
   * @param stopWork called, over and over, from the moment the lease is lost until it is closed
   * @param out hears of waiting and of taking over
   * @throws TuneQdmException (environment) where another driver works on the run
   */
  static RunLease take(RunFolder run, int seconds, Runnable stopWork, PrintStream out) {
    RunLease lease =
        take(
            run,
            DriverProcess.current(),
            Duration.ofSeconds(seconds),
            Clock.systemUTC(),
            stopWork,
            out);
    long beat = TimeUnit.SECONDS.toMillis(seconds) / RENEWALS;
    lease.heart.scheduleAtFixedRate(lease::renew, beat, beat, TimeUnit.MILLISECONDS);
    lease.heart.scheduleAtFixedRate(lease::watch, beat, beat, TimeUnit.MILLISECONDS);
    return lease;
  }

  /** As above, without a heartbeat. */
  static RunLease take(
      RunFolder run,
      DriverProcess self,
      Duration length,
      Clock clock,
      Runnable stopWork,
      PrintStream out) {
    LeaseFiles files = new LeaseFiles(run);
    String name = run.root().toString();
    Optional<Lease> awaited = Optional.empty();
    while (true) {
      Optional<Lease> current = files.current();
      if (current.isEmpty() || isOver(current.get(), clock, name, out)) {
        long before = current.map(Lease::number).orElse(0L);
        Lease next = new Lease(before + 1, self, end(clock, length));
        if (files.create(next)) {
          files.deleteUpTo(before);
          return new RunLease(name, files, self, length, clock, stopWork, next);
        }
        continue; // another driver was faster
      }
      Lease held = current.get();
      boolean renewedMeanwhile = awaited.isPresent() && awaited.get().number() != held.number();
      if (renewedMeanwhile || held.holder().life() == DriverProcess.Life.ALIVE) {
        throw TuneQdmException.environment(
            "Cannot work on the run %s: %s works on it and holds it until %s (wait for it to end, or stop it)"
                .formatted(name, held.holder().describe(), seconds(held.until())));
      }
      if (awaited.isEmpty()) {
        awaited = current;
        out.println(
            "The run %s is held until %s by %s: waiting whether it is still alive ..."
                .formatted(name, seconds(held.until()), held.holder().describe()));
      }
      pause();
    }
  }

  private static boolean isOver(Lease lease, Clock clock, String run, PrintStream out) {
    if (clock.instant().isAfter(lease.until())) {
      out.println(
          "Taking the run %s over from %s: its lease ended at %s"
              .formatted(run, lease.holder().describe(), seconds(lease.until())));
      return true;
    }
    if (lease.holder().life() == DriverProcess.Life.DEAD) {
      out.println(
          "Taking the run %s over from %s: it is dead".formatted(run, lease.holder().describe()));
      return true;
    }
    return false;
  }

  private static Instant end(Clock clock, Duration length) {
    return clock.instant().plus(length).truncatedTo(ChronoUnit.MILLIS);
  }

  private static Instant seconds(Instant time) {
    return time.truncatedTo(ChronoUnit.SECONDS);
  }

  private static void pause() {
    try {
      Thread.sleep(LOOK_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw TuneQdmException.environment("Cannot wait for the run: interrupted", e);
    }
  }

  /**
   * Extends the lease; where that fails for too long, or another driver has the run, it is lost.
   */
  synchronized void renew() {
    if (lost != null) {
      return;
    }
    try {
      Lease next = new Lease(number + 1, self, end(clock, length));
      if (!files.create(next)) {
        lost =
            files.current().map(Lease::holder).map(DriverProcess::describe).orElse("another driver")
                + " has taken it over";
        return;
      }
      number++;
      renewed = next.until().minus(length);
      files.deleteUpTo(number - 1);
    } catch (TuneQdmException e) {
      if (heart.isShutdown()) {
        return; // interrupted by close, which tidies up
      }
      LOG.warn("Cannot renew the lease of the run {}: {}", run, e.getMessage());
    }
  }

  /** Stops the work where the lease is lost. Its own thread: a renewal can hang. */
  void watch() {
    if (isLost()) {
      stopWork.run();
    }
  }

  private boolean isLost() {
    return lost != null
        || clock.instant().isAfter(renewed.plus(length.multipliedBy(2).dividedBy(3)));
  }

  /**
   * Does the work of a driver.
   *
   * @throws TuneQdmException (environment) where the lease was lost meanwhile, whatever became of
   *     the work
   */
  <T> T guard(Supplier<T> work) {
    T result;
    try {
      result = work.get();
    } catch (Exception e) { // Spark throws checked ones and does not say so
      if (isLost()) {
        throw lost(e);
      }
      throw e;
    }
    if (isLost()) {
      throw lost(null);
    }
    return result;
  }

  private TuneQdmException lost(Exception cause) {
    String why = lost == null ? "its lease could not be renewed in time" : lost;
    return TuneQdmException.environment(
        "Cannot go on with the run %s: %s (start again to go on where it is now)"
            .formatted(run, why),
        cause);
  }

  /** Gives the run back, unless it is lost. */
  @Override
  public void close() {
    heart.shutdownNow();
    synchronized (this) {
      if (isLost()) {
        return; // what lies there may be another driver's
      }
      try {
        // A renewal that was interrupted may have come further than it knows.
        long last =
            files
                .current()
                .filter(lease -> lease.holder().equals(self))
                .map(Lease::number)
                .orElse(number);
        files.deleteUpTo(last);
      } catch (TuneQdmException e) {
        LOG.warn("Cannot give back the run {}: {}", run, e.getMessage());
      }
    }
  }

  private static Thread thread(Runnable work) {
    Thread thread = new Thread(work, "run-lease");
    thread.setDaemon(true);
    return thread;
  }
}
