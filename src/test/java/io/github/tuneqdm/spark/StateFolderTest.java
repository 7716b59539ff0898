package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.config.ConfigLayers;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.FaultyDisk;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.tuning.StepRecord;
import io.github.tuneqdm.tuning.TrainingState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateFolderTest {
  private static final List<String> SUBJECTS = List.of("ball1", "mug1");
  private static final Configuration LOCAL = new Configuration(false);

  @TempDir Path runs;

  @Test
  void aStateReadsBackToTheBit() throws IOException {
    TrainingState state = state(3, 2);
    keep(state);

    assertThat(files()).singleElement().asString().matches("step-00000003-[0-9a-f]{64}.*");
    Map<String, StoredTensor> wanted = state.toTensors();
    Map<String, StoredTensor> read = latest().orElseThrow().toTensors();
    assertThat(read).containsOnlyKeys(wanted.keySet()).hasSize(8);
    read.forEach(
        (name, tensor) -> {
          assertThat(tensor.bytes()).as(name).isEqualTo(wanted.get(name).bytes());
          assertThat(tensor.shape()).as(name).isEqualTo(wanted.get(name).shape());
        });
  }

  @Test
  void withoutAStateTrainingStartsAnew() {
    assertThat(latest()).isEmpty();
  }

  @Test
  void onlyTheLastStatesAreKept() throws IOException {
    keep(state(1, 0), state(2, 0), state(3, 0), state(4, 0));

    assertThat(steps()).containsExactly(3, 4);
  }

  @Test
  void aFlippedByteFallsBackToTheStateBefore() throws IOException {
    keep(state(1, 0), state(2, 0));
    damage(
        2,
        bytes -> {
          bytes[bytes.length - 1] ^= 1;
          return bytes;
        });

    assertThat(latest().orElseThrow().step()).isEqualTo(1);
  }

  @Test
  void aTruncatedStateFallsBackToTheStateBefore() throws IOException {
    keep(state(1, 0), state(2, 0));
    damage(2, bytes -> Arrays.copyOf(bytes, bytes.length / 2));

    assertThat(latest().orElseThrow().step()).isEqualTo(1);
  }

  @Test
  void theOnlyValidStateStaysWhileDamagedOnesSeemNewer() throws IOException {
    keep(state(5, 0), state(8, 0), state(9, 0));
    damage(9, bytes -> new byte[0]);
    Map<String, String> keepOne = Map.of("tuneqdm.checkpoint.keep", "1");

    try (StateFolder states = folder(SUBJECTS, keepOne, LOCAL, runs.toString())) {
      assertThat(states.latest().orElseThrow().step()).isEqualTo(8);
      assertThat(steps()).containsExactly(8, 9);
      states.keep(state(9, 1));
    }

    assertThat(steps()).containsExactly(9);
    assertThat(latest().orElseThrow().step()).isEqualTo(9);
  }

  @Test
  void whereEveryStateIsDamagedTrainingStartsAnew() throws IOException {
    keep(state(1, 0), state(2, 0));
    damage(1, bytes -> new byte[7]);
    damage(2, bytes -> new byte[7]);

    assertThat(latest()).isEmpty();
    assertThat(steps()).containsExactly(1, 2);
  }

  @Test
  void aStateOfOtherSubjectsOrSettingsIsNeverUsed() {
    keep(state(1, 0));

    assertThat(folder(List.of("ball1", "cube1"), Map.of(), LOCAL, runs.toString()).latest())
        .isEmpty();
    assertThat(
            folder(SUBJECTS, Map.of("tuneqdm.tuning.seed", "7"), LOCAL, runs.toString()).latest())
        .isEmpty();
    assertThat(latest()).isPresent();
  }

  @Test
  void anotherAttemptThatIsFurtherKeepsItsStates() throws IOException {
    try (StateFolder slow = folder();
        StateFolder fast = folder()) {
      fast.keep(state(10, 0));
      fast.keep(state(20, 0));
      slow.keep(state(3, 0));
      slow.keep(state(4, 0));
      slow.keep(state(5, 0));
    }

    assertThat(steps()).endsWith(10, 20);
    assertThat(latest().orElseThrow().step()).isEqualTo(20);
  }

  @Test
  void aStateIsDueAfterSoManySteps() {
    try (StateFolder states = folder()) {
      states.latest();
      assertThat(IntStream.rangeClosed(1, 4).filter(states::isDue)).containsExactly(3, 4);
    }
    Map<String, String> never =
        Map.of("tuneqdm.checkpoint.every-steps", "0", "tuneqdm.checkpoint.every-seconds", "0");
    assertThat(folder(SUBJECTS, never, LOCAL, runs.toString()).isDue(1_000_000)).isFalse();
  }

  @Test
  void aFullDiskLeavesTheStateBeforeAndNamesThePath() throws IOException {
    keep(state(1, 0));
    StateFolder full =
        folder(SUBJECTS, Map.of(), FaultyDisk.configuration("full"), "faulty:" + runs);
    full.keep(state(2, 0));

    assertThatThrownBy(full::close)
        .hasMessageContaining("step-00000002")
        .hasMessageContaining("No space left on device")
        .extracting(e -> ((TuneQdmException) e).exitCode())
        .isEqualTo(ExitCode.ENVIRONMENT);
    assertThat(steps()).containsExactly(1);
    assertThat(latest().orElseThrow().step()).isEqualTo(1);
  }

  @Test
  void statesOfFinishedBatchesAreSwept() throws IOException {
    keep(state(1, 0));

    StateFolder.sweep(run(LOCAL, runs.toString()), Set.of(0, 1));
    assertThat(steps()).containsExactly(1);
    StateFolder.sweep(run(LOCAL, runs.toString()), Set.of(1));
    assertThat(runs.resolve("0123456789ab/state")).isEmptyDirectory();
    StateFolder.sweep(run(LOCAL, runs.toString()), Set.of());
    assertThat(runs.resolve("0123456789ab/state")).doesNotExist();
  }

  /**
   * Two subjects of three scales; numbers that a detour through decimals or float32 would change.
   *
   * @param salt gives a state of the same step other bytes
   */
  private static TrainingState state(int step, int salt) {
    float[] values = {0.1f, -0f, Float.MIN_VALUE, 1f / 3, Float.MAX_VALUE, salt};
    List<StepRecord> log =
        IntStream.rangeClosed(1, step)
            .mapToObj(t -> new StepRecord(t, Math.PI * t, Math.E / t, 1e-4 / 3))
            .toList();
    return new TrainingState(
        step,
        StoredTensor.of(values, 2, 3),
        StoredTensor.of(values, 2, 3),
        StoredTensor.of(values, 2, 3),
        new float[] {1 << 14, 1 << 13},
        new float[] {7, 0},
        List.of(log, log));
  }

  private void keep(TrainingState... states) {
    for (TrainingState state : states) {
      try (StateFolder folder = folder()) {
        folder.latest();
        folder.keep(state);
      }
    }
  }

  private Optional<TrainingState> latest() {
    try (StateFolder folder = folder()) {
      return folder.latest();
    }
  }

  private StateFolder folder() {
    return folder(SUBJECTS, Map.of(), LOCAL, runs.toString());
  }

  private static RunFolder run(Configuration hadoop, String runs) {
    return RunFolder.of(runs, "0123456789ab", hadoop);
  }

  private static StateFolder folder(
      List<String> subjects, Map<String, String> more, Configuration hadoop, String runs) {
    Map<String, String> settings = new HashMap<>(Map.of("tuneqdm.checkpoint.every-steps", "3"));
    settings.putAll(more);
    TuneQdmConfig config = new ConfigLayers(settings, Map.of(), Optional.empty()).load();
    RunPlan plan = new RunPlan("0123456789ab", "base-1", List.of(SUBJECTS), 2, null);
    return new StateFolder(run(hadoop, runs), plan, 0, subjects, config);
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(runs.resolve("0123456789ab/state/batch-0"))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private List<Integer> steps() throws IOException {
    return files().stream().map(name -> Integer.valueOf(name.split("-")[1])).toList();
  }

  private void damage(int step, UnaryOperator<byte[]> change) throws IOException {
    for (String name : files()) {
      if (name.startsWith("step-%08d".formatted(step))) {
        Path file = runs.resolve("0123456789ab/state/batch-0").resolve(name);
        Files.write(file, change.apply(Files.readAllBytes(file)));
      }
    }
  }
}
