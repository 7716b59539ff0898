package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.tuning.SubjectOverrides;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContinuedRunTest {
  @TempDir Path storage;

  private RunPlan started;

  @BeforeEach
  void startARun() {
    TuneQdmConfig config = SparkTests.config(storage, Map.of());
    started = RunPlan.of(config, "base-1", "m", subjects("ball1", "mug1"));
    RunFolder.of(config.storageRuns(), started.runId(), new Configuration())
        .start(started, config.render());
  }

  @Test
  void theSameSettingsGoOn() {
    TuneQdmConfig same = config(Map.of("tuneqdm.evaluate.steps", "3"));

    assertThatCode(() -> continued(same).requireSettings(same)).doesNotThrowAnyException();
    assertThatCode(() -> continued(same).requirePlan(started)).doesNotThrowAnyException();
  }

  @Test
  void changedSettingsAreRefusedOneByOne() {
    TuneQdmConfig changed =
        config(Map.of("tuneqdm.tuning.steps", "77", "tuneqdm.tuning.learning-rate", "3e-4"));

    assertThatThrownBy(() -> continued(changed).requireSettings(changed))
        .hasMessageContaining("Cannot go on with the run ")
        .hasMessageContaining("tuneqdm.tuning.steps: 400 -> 77")
        .hasMessageContaining("tuneqdm.tuning.learning-rate: 0.0075 -> 3.0E-4")
        .hasMessageContaining("400 -> 77; tuneqdm.tuning.")
        .extracting(e -> ((TuneQdmException) e).exitCode())
        .isEqualTo(ExitCode.USAGE);
  }

  @Test
  void otherSubjectsBasesAndPhotosAreRefused() {
    TuneQdmConfig config = config(Map.of());

    assertThatThrownBy(
            () ->
                continued(config)
                    .requirePlan(RunPlan.of(config, "base-2", "m", subjects("mug1", "star1"))))
        .hasMessageContaining("quantised base: base-1 -> base-2")
        .hasMessageContaining("subjects no longer there: ball1")
        .hasMessageContaining("subjects added: star1");
    assertThatThrownBy(
            () ->
                continued(config)
                    .requirePlan(RunPlan.of(config, "base-1", "n", subjects("ball1", "mug1"))))
        .hasMessageContaining("base model's VAE");
  }

  @Test
  void aRunThatIsNotThereIsBadInput() {
    TuneQdmConfig config =
        SparkTests.config(storage, Map.of("tuneqdm.checkpoint.run", "ffffffffffff"));

    assertThatThrownBy(() -> ContinuedRun.of(config, new Configuration()))
        .hasMessageContaining("ffffffffffff (tuneqdm.checkpoint.run, tuneqdm.storage.runs)")
        .extracting(e -> ((TuneQdmException) e).exitCode())
        .isEqualTo(ExitCode.INPUT_DATA);
    assertThat(ContinuedRun.of(SparkTests.config(storage, Map.of()), new Configuration()))
        .isEmpty();
  }

  private ContinuedRun continued(TuneQdmConfig config) {
    return ContinuedRun.of(config, new Configuration()).orElseThrow();
  }

  private TuneQdmConfig config(Map<String, String> more) {
    Map<String, String> settings = new HashMap<>(more);
    settings.put("tuneqdm.checkpoint.run", started.runId());
    return SparkTests.config(storage, settings);
  }

  private static List<SubjectEntry> subjects(String... names) {
    return List.of(names).stream()
        .map(
            name ->
                new SubjectEntry(
                    name,
                    "thing",
                    "sks",
                    "a photo of a sks thing",
                    List.of(new SubjectEntry.Photo(name, name)),
                    SubjectOverrides.NONE))
        .toList();
  }
}
