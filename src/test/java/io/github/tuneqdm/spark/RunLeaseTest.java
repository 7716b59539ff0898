package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunLeaseTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  @TempDir Path runs;

  private final ManualClock clock = new ManualClock();
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private final AtomicInteger stopped = new AtomicInteger();

  @Test
  void aSecondDriverIsToldWhoWorksOnTheRunAndUntilWhen() {
    try (RunLease first = take(DriverProcess.current())) {
      assertThatThrownBy(() -> take(DriverProcess.current()))
          .hasMessageStartingWith("Cannot work on the run " + run().root())
          .hasMessageContaining("process " + ProcessHandle.current().pid() + " of ")
          .hasMessageContaining("holds it until 2026-01-01T00:01:00Z")
          .extracting(e -> ((TuneQdmException) e).exitCode())
          .isEqualTo(ExitCode.ENVIRONMENT);
      assertThat(first.guard(() -> 1)).isEqualTo(1);
    }
  }

  @Test
  void aRunThatWasGivenBackIsFree() throws IOException {
    take(DriverProcess.current()).close();

    assertThat(files()).isEmpty();
    take(DriverProcess.current()).close();
  }

  @Test
  void renewalsKeepTheRunAndLeaveOneFile() throws IOException {
    try (RunLease lease = take(DriverProcess.current())) {
      for (int i = 0; i < 5; i++) {
        clock.pass(Duration.ofSeconds(30));
        lease.renew();
      }

      assertThat(files()).containsExactly("6.json");
      assertThat(lease.guard(() -> "done")).isEqualTo("done");
      assertThatThrownBy(() -> take(DriverProcess.current()))
          .hasMessageContaining("until 2026-01-01T00:03:30Z");
    }
  }

  @Test
  void theHeartbeatRenewsByItself() throws Exception {
    RunLease lease = RunLease.take(run(), 3, stopped::incrementAndGet, out());
    try (lease) {
      while (files().contains("1.json")) {
        Thread.sleep(50);
      }
      assertThat(lease.guard(() -> "done")).isEqualTo("done");
    }
    assertThat(files()).isEmpty();
    assertThat(stopped).hasValue(0);
  }

  @Test
  void aProcessThatWasKilledGivesWayAtOnce() throws Exception {
    Process process = new ProcessBuilder("sleep", "600").start();
    DriverProcess killed = DriverProcess.of(process.pid());
    take(killed);
    assertThatThrownBy(() -> take(DriverProcess.current()))
        .hasMessageContaining("process " + process.pid() + " of ");

    process.destroyForcibly().waitFor();

    try (RunLease mine = take(DriverProcess.current())) {
      assertThat(mine.guard(() -> 1)).isEqualTo(1);
    }
    assertThat(said.toString(StandardCharsets.UTF_8))
        .contains("Taking the run ", "process " + process.pid() + " of ", "it is dead");
  }

  @Test
  void aProcessIdThatIsUsedAgainIsNotTheDriver() {
    DriverProcess self = DriverProcess.current();

    assertThat(self.life()).isEqualTo(DriverProcess.Life.ALIVE);
    assertThat(with(self, self.processSpace(), self.startTicks() + "1").life())
        .isEqualTo(DriverProcess.Life.DEAD);
    assertThat(elsewhere().life()).isEqualTo(DriverProcess.Life.UNKNOWN);
  }

  @Test
  void aHolderElsewhereIsWaitedForUntilItsLeaseEnds() {
    take(elsewhere());
    clock.onLook(() -> clock.pass(Duration.ofSeconds(21)));

    take(DriverProcess.current()).close();

    assertThat(said.toString(StandardCharsets.UTF_8))
        .contains("is held until 2026-01-01T00:01:00Z by process", "waiting whether it is still")
        .contains("its lease ended at 2026-01-01T00:01:00Z");
  }

  @Test
  void aHolderElsewhereThatIsAliveKeepsTheRun() {
    RunLease far = take(elsewhere());
    clock.onLook(far::renew);

    assertThatThrownBy(() -> take(DriverProcess.current()))
        .hasMessageStartingWith("Cannot work on the run");
    assertThat(far.guard(() -> 1)).isEqualTo(1);
  }

  @Test
  void whoWasTakenOverStopsItsWorkAndLeavesTheOthersLeaseAlone() throws IOException {
    RunLease slow = take(DriverProcess.current());
    clock.pass(MINUTE.plusSeconds(1));
    RunLease fast = take(DriverProcess.current());

    slow.renew();
    slow.watch();
    assertThat(stopped).hasValue(1);
    assertThatThrownBy(() -> slow.guard(() -> 1))
        .hasMessageContaining("has taken it over")
        .extracting(e -> ((TuneQdmException) e).exitCode())
        .isEqualTo(ExitCode.ENVIRONMENT);
    slow.close();

    fast.renew();
    assertThat(fast.guard(() -> 1)).isEqualTo(1);
    assertThat(files()).containsExactly("3.json");
  }

  @Test
  void whatWorkThrowsAfterTheLeaseWasLostIsTheLoss() {
    RunLease lease = take(DriverProcess.current());
    clock.pass(Duration.ofSeconds(41));
    lease.watch();

    assertThat(stopped).hasValue(1);
    assertThatThrownBy(
            () ->
                lease.guard(
                    () -> {
                      throw new IllegalStateException("job cancelled");
                    }))
        .hasMessageContaining("its lease could not be renewed in time")
        .hasRootCauseMessage("job cancelled");
  }

  @Test
  void ofManyDriversOneTakesTheRun() throws Exception {
    ExecutorService drivers = Executors.newFixedThreadPool(8);
    try {
      List<Callable<Boolean>> attempts = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        attempts.add(
            () -> {
              try {
                take(DriverProcess.current());
                return true;
              } catch (TuneQdmException e) {
                return false;
              }
            });
      }
      int taken = 0;
      for (Future<Boolean> attempt : drivers.invokeAll(attempts)) {
        taken += attempt.get() ? 1 : 0;
      }
      assertThat(taken).isEqualTo(1);
    } finally {
      drivers.shutdown();
    }
  }

  @Test
  void aLeaseThatCannotBeReadIsNamed() throws IOException {
    Path lease = Files.createDirectories(runs.resolve("r/lease")).resolve("7.json");
    for (String text : List.of("", "null", "{}", "{\"holder\":null,\"until\":\"x\"}", "x")) {
      Files.writeString(lease, text);
      assertThatThrownBy(() -> take(DriverProcess.current()))
          .isInstanceOf(TuneQdmException.class)
          .hasMessageStartingWith("Cannot read " + run().root() + "/lease/7.json: ");
    }
  }

  private RunFolder run() {
    return RunFolder.of(runs.toString(), "r", new Configuration(false));
  }

  private RunLease take(DriverProcess driver) {
    return RunLease.take(run(), driver, MINUTE, clock, stopped::incrementAndGet, out());
  }

  private PrintStream out() {
    return new PrintStream(said, true, StandardCharsets.UTF_8);
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(runs.resolve("r/lease"))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static DriverProcess elsewhere() {
    DriverProcess self = DriverProcess.current();
    return with(self, "another machine", self.startTicks());
  }

  private static DriverProcess with(DriverProcess d, String space, String ticks) {
    return new DriverProcess(d.token(), d.host(), d.user(), space, d.pid(), ticks, d.started());
  }

  /** Stands still unless it is told otherwise. */
  private static final class ManualClock extends Clock {
    private volatile Instant now = Instant.parse("2026-01-01T00:00:00Z");
    private Runnable onLook = () -> {};
    private boolean looking;

    void pass(Duration time) {
      now = now.plus(time);
    }

    /** Does something whenever someone asks for the time. */
    void onLook(Runnable action) {
      onLook = action;
    }

    @Override
    public Instant instant() {
      Instant seen = now;
      if (!looking) {
        looking = true;
        onLook.run();
        looking = false;
      }
      return seen;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }
}
