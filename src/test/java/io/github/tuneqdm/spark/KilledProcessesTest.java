package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Result;
import io.github.tuneqdm.storage.DeadlyDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real processes at work are killed with kill -9; what they publish in the end is the same. */
class KilledProcessesTest {
  private static final Map<String, String> SETTINGS = Killing.training(12);

  private static Map<String, String> undisturbed;

  @BeforeAll
  static void trainUndisturbed(@TempDir Path storage) throws IOException {
    undisturbed = Killing.undisturbed(storage, SETTINGS);
    assertThat(undisturbed).hasSize(9);
    assertThat(Killing.run(storage).resolve("state")).doesNotExist();
  }

  @Test
  void executorsKilledAtEveryKindOfMomentGiveTheSameBytes(
      @TempDir Path storage, @TempDir Path deaths) throws Exception {
    List<String> moments =
        List.of(
            "step-00000001-", // while the first state is written
            "step-0000000", // while a later state is written
            "deltas.safetensors", // trained, not published
            "status.json"); // published, not vouched for
    Map<String, String> settings = new HashMap<>(SETTINGS);
    settings.put("tuneqdm.storage.runs", "deadly:" + storage.resolve("runs"));
    TuneQdmConfig config = SparkTests.config(storage, settings);
    SparkTests.Master master = Killing.cluster().with(DeadlyDisk.settings(deaths, moments));
    Result result;
    try (master;
        OnDemandSpark spark = new OnDemandSpark("killed executors", config)) {
      CompletableFuture<Void> midStep =
          CompletableFuture.runAsync(() -> killAllExecutorsOnceTraining(storage, deaths));
      result = Killing.train(config, spark);
      midStep.get(1, TimeUnit.SECONDS);
    }

    assertThat(result.exitCode()).isEqualTo(ExitCode.DONE);
    assertThat(result.trained()).containsExactly("ball1", "cube1", "mug1");
    try (Stream<Path> left = Files.list(deaths)) {
      assertThat(left.map(death -> death.getFileName().toString()))
          .containsExactlyInAnyOrderElementsOf(moments);
    }
    assertThat(Killing.subjects(storage)).isEqualTo(undisturbed);
    assertThat(Killing.run(storage).resolve("state")).doesNotExist();
  }

  /** In the midst of a step, after the deaths while states were written. */
  private static void killAllExecutorsOnceTraining(Path storage, Path deaths) {
    try {
      Killing.await(() -> Files.exists(deaths.resolve("step-0000000")));
      List<Path> before = Killing.files(storage, ".safetensors");
      Killing.await(
          () ->
              Killing.files(storage, "/state/").stream()
                  .anyMatch(file -> !before.contains(file) && isState(file)));
      List<ProcessHandle> executors = Killing.executors();
      assertThat(executors).isNotEmpty();
      executors.forEach(ProcessHandle::destroyForcibly);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static boolean isState(Path file) {
    return file.getFileName().toString().startsWith("step-");
  }

  @Test
  void aKilledDriverThatIsStartedAgainRepeatsNothing(@TempDir Path storage) throws Exception {
    Path output = storage.resolve("output.txt");
    Process first = Killing.driver(storage, output, SETTINGS);
    Killing.await(
        () ->
            !first.isAlive()
                || !Killing.files(storage, "/status.json").isEmpty()
                    && Killing.files(storage, "/state/").stream()
                        .anyMatch(KilledProcessesTest::isLaterState));
    assertThat(first.isAlive()).as(Files.readString(output)).isTrue();
    first.destroyForcibly().waitFor();
    Map<String, Object> finished = Killing.identities(storage);
    assertThat(finished).isNotEmpty();

    Process second = Killing.driver(storage, output, SETTINGS);

    assertThat(second.waitFor()).as(Files.readString(output)).isZero();
    assertThat(Files.readString(output))
        .contains("Taking the run ", "it is dead")
        .containsPattern("Training of 1 subjects goes on after step [1-9]")
        .contains("%d there before, 0 failed".formatted(finished.size() / 3));
    assertThat(Killing.identities(storage)).containsAllEntriesOf(finished);
    assertThat(Killing.subjects(storage)).isEqualTo(undisturbed);
    assertThat(Killing.run(storage).resolve("lease")).isEmptyDirectory();
  }

  /** Of a batch that is not the first to be trained. */
  private static boolean isLaterState(Path file) {
    String batch = file.getParent().getFileName().toString();
    List<String> subjects = List.of("ball1", "cube1", "mug1");
    if (!isState(file) || !batch.startsWith("batch-")) {
      return false;
    }
    String subject = subjects.get(Integer.parseInt(batch.substring("batch-".length())));
    Path run = file.getParent().getParent().getParent();
    return !Files.exists(run.resolve("subjects").resolve(subject).resolve("status.json"));
  }
}
