package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kills at random moments, many times over: minutes, so a command of its own runs them. */
@Tag("kill-runs")
class KillRunsTest {
  private static final int EXECUTOR_KILLS = 20;
  private static final int DRIVER_KILLS = 5;
  private static final long SEED = 4;
  private static final Map<String, String> SETTINGS = Killing.training(20);

  private static Map<String, String> undisturbed;

  @BeforeAll
  static void trainUndisturbed(@TempDir Path storage) throws IOException {
    undisturbed = Killing.undisturbed(storage, SETTINGS);
  }

  @Test
  void executorsKilledAtRandomGiveTheSameBytes(@TempDir Path folder) throws Exception {
    Random random = new Random(SEED);
    SparkTests.Master master = Killing.cluster();
    int equal = 0;
    try (master;
        OnDemandSpark spark = new OnDemandSpark("kill runs", config(folder, "warm-up"))) {
      Killing.train(config(folder, "warm-up"), spark);
      long start = System.nanoTime();
      Killing.train(config(folder, "measured"), spark);
      long whole = System.nanoTime() - start;
      for (int kill = 1; kill <= EXECUTOR_KILLS; ) {
        Path storage = folder.resolve("kill-" + random.nextLong());
        long delay = (long) (whole * random.nextDouble());
        CompletableFuture<Boolean> killer =
            CompletableFuture.supplyAsync(() -> killOneAfter(delay, random));
        TrainAllSubjectsJob.Result result =
            Killing.train(config(folder, storage.getFileName().toString()), spark);
        boolean over = !killer.isDone();
        if (!killer.get() || over) {
          continue; // training had ended
        }
        assertThat(result.exitCode()).isEqualTo(ExitCode.DONE);
        boolean same = Killing.subjects(storage).equals(undisturbed);
        System.out.printf(
            "executor kill %d after %d ms of about %d: %s%n",
            kill, millis(delay), millis(whole), same ? "byte-equal" : "DIFFERENT");
        equal += same ? 1 : 0;
        kill++;
      }
    }
    System.out.printf("%d of %d executor kills byte-equal%n", equal, EXECUTOR_KILLS);
    assertThat(equal).isEqualTo(EXECUTOR_KILLS);
  }

  /** The base is the same for all, and quantised once. */
  private static TuneQdmConfig config(Path folder, String name) {
    Map<String, String> settings = new HashMap<>(SETTINGS);
    settings.put("tuneqdm.storage.bases", folder.resolve("bases").toString());
    return SparkTests.config(folder.resolve(name), settings);
  }

  private static boolean killOneAfter(long nanos, Random random) {
    try {
      TimeUnit.NANOSECONDS.sleep(nanos);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    List<ProcessHandle> executors = Killing.executors();
    return !executors.isEmpty()
        && executors.get(random.nextInt(executors.size())).destroyForcibly();
  }

  @Test
  void driversKilledAtRandomAndStartedAgainRepeatNothing(@TempDir Path folder) throws Exception {
    Random random = new Random(SEED);
    long start = System.nanoTime();
    assertThat(train(folder.resolve("measured")).waitFor()).isZero();
    long whole = System.nanoTime() - start;
    int equal = 0;
    for (int kill = 1; kill <= DRIVER_KILLS; ) {
      Path storage = folder.resolve("kill-" + random.nextLong());
      long delay = (long) (whole * random.nextDouble());
      Process driver = train(storage);
      if (driver.waitFor(delay, TimeUnit.NANOSECONDS)) {
        continue; // training had ended
      }
      driver.destroyForcibly().waitFor();
      Map<String, Object> finished = Killing.identities(storage);
      assertThat(train(storage).waitFor()).as(Files.readString(output(storage))).isZero();
      boolean same =
          Killing.subjects(storage).equals(undisturbed)
              && Killing.identities(storage).entrySet().containsAll(finished.entrySet());
      System.out.printf(
          "driver kill %d after %d ms of about %d, %d subjects done: %s%n",
          kill,
          millis(delay),
          millis(whole),
          finished.size() / 3,
          same ? "byte-equal" : "DIFFERENT");
      equal += same ? 1 : 0;
      kill++;
    }
    System.out.printf("%d of %d driver kills byte-equal%n", equal, DRIVER_KILLS);
    assertThat(equal).isEqualTo(DRIVER_KILLS);
  }

  private static Process train(Path storage) throws IOException {
    Files.createDirectories(storage);
    return Killing.driver(storage, output(storage), SETTINGS);
  }

  private static Path output(Path storage) {
    return storage.resolve("output.txt");
  }

  private static long millis(long nanos) {
    return TimeUnit.NANOSECONDS.toMillis(nanos);
  }
}
