package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.config.ConfigLayers;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.tuning.SubjectOverrides;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunPlanTest {
  private static final List<SubjectEntry> SUBJECTS =
      Stream.of("a", "b", "c", "d", "e").map(name -> subject(name, "photo of " + name)).toList();

  @Test
  void subjectsAreBatchedInOrder() {
    RunPlan plan = plan(Map.of("tuneqdm.tuning.subjects-per-batch", "2"));

    assertThat(plan.batches()).containsExactly(List.of("a", "b"), List.of("c", "d"), List.of("e"));
    assertThat(plan.torchThreads()).isEqualTo(2);
    assertThat(plan.runId()).matches("[0-9a-f]{12}");
  }

  @ParameterizedTest
  @CsvSource({
    "tuneqdm.tuning.steps, 5",
    "tuneqdm.tuning.seed, 7",
    "tuneqdm.tuning.subjects-per-batch, 2",
    "tuneqdm.quantizer.bits, 8",
    "tuneqdm.data.resolution, 64",
    "tuneqdm.data.center-crop, true",
    "tuneqdm.data.max-pixels, 1000000",
    "tuneqdm.data.max-photo-bytes, 1000000",
    "tuneqdm.device.threads, 1",
    "tuneqdm.device.precision, float16"
  })
  void whatChangesTheResultChangesTheRun(String key, String value) {
    assertThat(plan(Map.of(key, value)).runId()).isNotEqualTo(plan(Map.of()).runId());
  }

  @ParameterizedTest
  @CsvSource({
    "tuneqdm.evaluate.steps, 5",
    "tuneqdm.storage.runs, elsewhere",
    "tuneqdm.run.fail-fast, true",
    "tuneqdm.model.base, elsewhere",
    "tuneqdm.model.clip, elsewhere"
  })
  void whatDoesNotChangeTheResultLeavesTheRun(String key, String value) {
    assertThat(plan(Map.of(key, value)).runId()).isEqualTo(plan(Map.of()).runId());
  }

  @Test
  void anotherPhotoRateBaseOrModelIsAnotherRun() {
    TuneQdmConfig config = config(Map.of());
    List<SubjectEntry> otherPhoto = new ArrayList<>(SUBJECTS);
    otherPhoto.set(1, subject("b", "another photo"));
    List<SubjectEntry> otherRate = new ArrayList<>(SUBJECTS);
    otherRate.set(
        1,
        subject(
            "b",
            "photo of b",
            new SubjectOverrides(
                Map.of(SubjectOverrides.Key.LEARNING_RATE, new BigDecimal("1e-5")))));

    assertThat(
            Stream.of(
                    RunPlan.of(config, "base-1", "m", SUBJECTS),
                    RunPlan.of(config, "base-2", "m", SUBJECTS),
                    RunPlan.of(config, "base-1", "n", SUBJECTS),
                    RunPlan.of(config, "base-1", "m", otherPhoto),
                    RunPlan.of(config, "base-1", "m", otherRate),
                    RunPlan.of(config, "base-1", "m", SUBJECTS.subList(0, 4)))
                .map(RunPlan::runId))
        .doesNotHaveDuplicates();
  }

  @Test
  void aPlanReadsBackFromItsFile() {
    RunPlan plan = plan(Map.of());

    assertThat(RunPlan.fromJson(plan.toJson(), "plan.json")).isEqualTo(plan);
    assertThatThrownBy(
            () -> RunPlan.fromJson("{".getBytes(StandardCharsets.UTF_8), "runs/x/plan.json"))
        .hasMessageStartingWith("Cannot read runs/x/plan.json: ");
  }

  private static RunPlan plan(Map<String, String> overrides) {
    return RunPlan.of(config(overrides), "base-0123456789ab", "m", SUBJECTS);
  }

  private static TuneQdmConfig config(Map<String, String> overrides) {
    return new ConfigLayers(overrides, Map.of(), Optional.empty()).load();
  }

  private static SubjectEntry subject(String name, String photo) {
    return subject(name, photo, SubjectOverrides.NONE);
  }

  private static SubjectEntry subject(String name, String photo, SubjectOverrides overrides) {
    return new SubjectEntry(
        name,
        "thing",
        "sks",
        "a photo of sks thing",
        List.of(new SubjectEntry.Photo(name, photo)),
        overrides);
  }
}
