package io.github.tuneqdm.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.ToyWorld;
import io.github.tuneqdm.models.LowRank;
import io.github.tuneqdm.models.Models;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.SafetensorsWriter;
import io.github.tuneqdm.tensor.Compute;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class WeightTunerTest {
  private static final Optional<LowRank> RANK_2 = Optional.of(new LowRank(2, 2));
  private static final Optional<LowRank> ALL_WEIGHTS = Optional.empty();

  private static Compute compute;

  @BeforeAll
  static void open() {
    compute = Compute.cpu(2);
  }

  @AfterAll
  static void close() {
    compute.close();
  }

  private static WeightTuner tuner(Optional<LowRank> form, TuningSettings settings) {
    return new WeightTuner(
        compute,
        ToyWorld.base(),
        () -> Models.unet(compute, ToyWorld.base().unet()),
        form,
        settings);
  }

  private static TunedWeights tune(
      Optional<LowRank> form, TuningSettings settings, TrainingStates states) {
    return tuner(form, settings).tune(ToyWorld.subject("star"), states, (step, loss) -> {});
  }

  private static String hash(TunedWeights tuned) {
    return Hashes.sha256(SafetensorsWriter.toBuffers(tuned.tensors().orElseThrow(), Map.of()));
  }

  @Test
  void trainingThatGoesOnFromAStateGivesTheSameBits() {
    TuningSettings recipe = ToyWorld.recipe(2, 1, 2);
    for (Optional<LowRank> form : List.of(RANK_2, ALL_WEIGHTS)) {
      KeptStates everyStep = KeptStates.none();
      TunedWeights atOnce = tune(form, recipe, everyStep);
      assertThat(everyStep.kept()).extracting(TrainingState::step).containsExactly(1);

      TunedWeights resumed = tune(form, recipe, KeptStates.from(everyStep.kept().get(0)));

      assertThat(hash(resumed)).isEqualTo(hash(atOnce));
      assertThat(resumed.steps()).isEqualTo(atOnce.steps());
      assertThat(atOnce.steps()).hasSize(2).allMatch(StepRecord::isFinite);
    }
  }

  @Test
  void weightsSeeTheSamplesThatScalesSee() {
    TuningSettings recipe = ToyWorld.recipe(1, 4, 1);
    TunedWeights weights = tune(RANK_2, recipe, TrainingStates.NONE);
    TunedSubject scales =
        new SubjectTuner(
                compute,
                ToyWorld.base(),
                new SubjectTuner.Network(
                    8, Optional.empty(), mode -> ToyWorld.quantized(compute, 8, mode)),
                recipe)
            .tune(List.of(ToyWorld.subject("star")), (step, loss) -> {})
            .get(0);

    double atEightBits = scales.steps().get(0).loss();
    assertThat(weights.steps().get(0).loss())
        .isBetween(0.98 * atEightBits, 1.02 * atEightBits)
        .isNotEqualTo(atEightBits);
  }

  @Test
  void aStateOfOtherWeightsIsRefused() {
    KeptStates one = KeptStates.none();
    tune(RANK_2, ToyWorld.recipe(2, 1, 1), one);

    assertThatThrownBy(
            () -> tune(ALL_WEIGHTS, ToyWorld.recipe(2, 1, 1), KeptStates.from(one.kept().get(0))))
        .hasMessageStartingWith("Cannot go on from the training state of step 1:");
  }

  @Test
  void trainingThatDivergesSaysSo() {
    TuningSettings usual = ToyWorld.recipe(20, 1, 1);
    TuningSettings wild =
        usual.with(
            new SubjectOverrides(
                Map.of(SubjectOverrides.Key.LEARNING_RATE, new BigDecimal("1e30"))));

    TunedWeights tuned = tune(RANK_2, wild, TrainingStates.NONE);

    assertThat(tuned.tensors()).isEmpty();
    assertThat(tuned.failure().orElseThrow())
        .startsWith("training diverged: ")
        .endsWith("(lower tuneqdm.tuning.learning-rate)");
  }
}
