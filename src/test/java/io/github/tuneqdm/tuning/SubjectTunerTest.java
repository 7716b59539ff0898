package io.github.tuneqdm.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.ToyWorld;
import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.models.LrWeights;
import io.github.tuneqdm.models.Parametrization;
import io.github.tuneqdm.tensor.Compute;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SubjectTunerTest {
  private static Compute compute;

  @BeforeAll
  static void open() {
    compute = Compute.cpu(2);
  }

  @AfterAll
  static void close() {
    compute.close();
  }

  private static List<TunedSubject> tune(TuningSettings settings, Subject... subjects) {
    return new SubjectTuner(compute, ToyWorld.base(), ToyWorld.network(compute), settings)
        .tune(List.of(subjects), (step, loss) -> {});
  }

  private static float[] scales(TunedSubject subject) {
    return subject.scales().orElseThrow().rows();
  }

  /** The 99th percentile of the absolute differences. */
  private static double difference(float[] a, float[] b) {
    double[] d = new double[a.length];
    for (int i = 0; i < d.length; i++) {
      d[i] = Math.abs(a[i] - b[i]);
    }
    Arrays.sort(d);
    return d[(int) (0.99 * d.length)];
  }

  @Test
  void subjectsOfABatchDoNotMix() {
    TuningSettings recipe = ToyWorld.recipe(20, 1, 1);
    Subject a = ToyWorld.subject("ball");
    Subject b = ToyWorld.subject("cube");
    Subject c = ToyWorld.subject("mug");
    Subject d = ToyWorld.subject("donut");

    List<TunedSubject> together = tune(recipe, a, b, c, d);
    List<TunedSubject> halves = new ArrayList<>(tune(recipe, a, b));
    halves.addAll(tune(recipe, c, d));
    List<TunedSubject> alone = new ArrayList<>();
    for (Subject one : List.of(a, b, c, d)) {
      alone.addAll(tune(recipe, one));
    }

    for (int s = 0; s < 4; s++) {
      assertThat(difference(scales(together.get(s)), scales(halves.get(s)))).isLessThan(1e-5);
      assertThat(difference(scales(together.get(s)), scales(alone.get(s)))).isLessThan(1e-5);
    }
    assertThat(difference(scales(together.get(0)), scales(together.get(1)))).isGreaterThan(1e-5);
  }

  @Test
  void theSameBatchGivesTheSameBits() {
    TuningSettings recipe = ToyWorld.recipe(3, 2, 1);
    Subject[] subjects = {ToyWorld.subject("star"), ToyWorld.subject("duck")};

    List<TunedSubject> once = tune(recipe, subjects);
    List<TunedSubject> again = tune(recipe, subjects);

    assertThat(once).usingRecursiveComparison().isEqualTo(again);
  }

  @Test
  void trainingThatGoesOnFromAStateGivesTheSameBits() {
    TuningSettings recipe = ToyWorld.recipe(5, 1, 2);
    List<Subject> subjects = List.of(ToyWorld.subject("star"), ToyWorld.subject("duck"));
    SubjectTuner tuner =
        new SubjectTuner(compute, ToyWorld.base(), ToyWorld.network(compute), recipe);
    KeptStates everyStep = KeptStates.none();
    List<TunedSubject> atOnce = tuner.tune(subjects, everyStep, (step, loss) -> {});
    assertThat(everyStep.kept()).extracting(TrainingState::step).containsExactly(1, 2, 3, 4);

    KeptStates fromTwo = KeptStates.from(everyStep.kept().get(1));
    List<TunedSubject> resumed = tuner.tune(subjects, fromTwo, (step, loss) -> {});
    assertThat(fromTwo.kept()).extracting(TrainingState::step).containsExactly(3, 4);
    KeptStates fromFour = KeptStates.from(fromTwo.kept().get(1));
    List<TunedSubject> resumedAgain = tuner.tune(subjects, fromFour, (step, loss) -> {});

    assertThat(resumed).usingRecursiveComparison().isEqualTo(atOnce);
    assertThat(resumedAgain).usingRecursiveComparison().isEqualTo(atOnce);
  }

  @Test
  void aStateOfOtherSubjectsIsRefused() {
    KeptStates one = KeptStates.none();
    SubjectTuner tuner =
        new SubjectTuner(
            compute, ToyWorld.base(), ToyWorld.network(compute), ToyWorld.recipe(2, 1, 1));
    tuner.tune(List.of(ToyWorld.subject("star")), one, (step, loss) -> {});
    KeptStates wrong = KeptStates.from(one.kept().get(0));

    assertThatThrownBy(
            () ->
                tuner.tune(
                    List.of(ToyWorld.subject("star"), ToyWorld.subject("duck")),
                    wrong,
                    (step, loss) -> {}))
        .hasMessageStartingWith("Cannot go on from the training state of step 1:");
  }

  @Test
  void accumulatedPassesEqualOneLargePass() {
    Subject subject = ToyWorld.subject("car");

    TunedSubject large = tune(ToyWorld.recipe(4, 4, 1), subject).get(0);
    TunedSubject small = tune(ToyWorld.recipe(4, 2, 2), subject).get(0);

    assertThat(difference(scales(large), scales(small))).isLessThan(1e-6);
    assertThat(small.steps().get(3).loss())
        .isCloseTo(large.steps().get(3).loss(), org.assertj.core.data.Offset.offset(1e-5));
  }

  @Test
  void aDivergingSubjectIsReportedWithItsStep() {
    TuningSettings recipe = ToyWorld.recipe(12, 1, 1);
    TuningSettings wild =
        new TuningSettings(
            recipe.experts(),
            true,
            Parametrization.ABSOLUTE,
            LrWeights.EQUAL,
            recipe.steps(),
            1,
            1,
            1e30,
            recipe.schedule(),
            0,
            recipe.adamW(),
            0,
            0,
            64,
            false,
            1,
            42);

    TunedSubject diverged = tune(wild, ToyWorld.subject("can")).get(0);

    assertThat(diverged.scales()).isEmpty();
    assertThat(diverged.failure().orElseThrow())
        .startsWith("training diverged: the loss is not a finite number at step")
        .contains("tuneqdm.tuning.learning-rate");
    assertThat(diverged.steps()).isNotEmpty().hasSizeLessThan(12);
  }

  @Test
  void aSubjectWithARateAndASeedOfItsOwnTrainsAsARecipeWithThese() {
    TuningSettings recipe = ToyWorld.recipe(2, 1, 1);
    Subject mug = ToyWorld.subject("mug");
    SubjectOverrides own =
        new SubjectOverrides(
            Map.of(
                SubjectOverrides.Key.LEARNING_RATE, new BigDecimal("1e-3"),
                SubjectOverrides.Key.SEED, new BigDecimal(7)));
    Subject special =
        new Subject(
            mug.name(), mug.instancePrompt(), mug.photos(), mug.classPrompt(), List.of(), own);
    Subject mate = ToyWorld.subject("duck");

    List<TunedSubject> usual = tune(recipe, mug, mate);
    List<TunedSubject> mixed = tune(recipe, special, mate);
    List<TunedSubject> all = tune(recipe.with(own), mug, mate);

    assertThat(mixed.get(0)).usingRecursiveComparison().isEqualTo(all.get(0));
    assertThat(mixed.get(1)).usingRecursiveComparison().isEqualTo(usual.get(1));
    assertThat(mixed.get(0).steps()).extracting(StepRecord::learningRate).containsOnly(1e-3);
    assertThat(mixed.get(0).steps().get(0).loss()).isNotEqualTo(usual.get(0).steps().get(0).loss());
  }

  @Test
  void trainingStopsWhereNobodyWantsItToGoOn() {
    SubjectTuner.Progress once =
        new SubjectTuner.Progress() {
          @Override
          public void stepped(int step, double meanLoss) {}

          @Override
          public boolean goesOn(int diverged) {
            return false;
          }
        };

    TunedSubject stopped =
        new SubjectTuner(
                compute, ToyWorld.base(), ToyWorld.network(compute), ToyWorld.recipe(12, 1, 1))
            .tune(List.of(ToyWorld.subject("mug")), once)
            .get(0);

    assertThat(stopped.steps()).hasSize(10);
    assertThat(stopped.scales()).isEmpty();
    assertThat(stopped.failure()).isEmpty();
  }

  @Test
  void withoutInputScalesTheyStayOne() {
    TuningSettings recipe = ToyWorld.recipe(2, 1, 1);
    TuningSettings outputOnly =
        new TuningSettings(
            1,
            false,
            Parametrization.RELATIVE,
            LrWeights.EQUAL,
            2,
            1,
            1,
            1e-3,
            recipe.schedule(),
            0,
            recipe.adamW(),
            5.0,
            0.1,
            64,
            false,
            1,
            42);

    DeltaScales tuned = tune(outputOnly, ToyWorld.subject("cone")).get(0).scales().orElseThrow();

    try (var network = ToyWorld.fourBits(compute)) {
      float[] initial = network.initialRow();
      for (var layer : network.layout().layers()) {
        for (int i = 0; i < layer.cIn(); i++) {
          assertThat(tuned.rows()[layer.inColumn() + i]).isEqualTo(1f);
        }
      }
      assertThat(difference(tuned.rows(), initial)).isGreaterThan(1e-5);
    }
  }

  @Test
  void classImagesPullOnTheLoss() {
    Subject plain = ToyWorld.subject("house");
    Subject guarded =
        new Subject(
            plain.name(),
            plain.instancePrompt(),
            plain.photos(),
            plain.classPrompt(),
            ToyWorld.photos("robot"));

    TunedSubject without = tune(ToyWorld.recipe(1, 2, 1), plain).get(0);
    TunedSubject with = tune(ToyWorld.recipe(1, 2, 1), guarded).get(0);

    assertThat(with.steps().get(0).loss()).isGreaterThan(without.steps().get(0).loss());
    assertThat(scales(with)).isNotEqualTo(scales(without));
  }
}
