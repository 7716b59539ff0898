package io.github.tuneqdm.nn.tokens;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.ToyWorld;
import io.github.tuneqdm.models.ScaleTable;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.PhiloxRandom;
import io.github.tuneqdm.tuning.AdamWSettings;
import io.github.tuneqdm.tuning.SubjectBatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Blocks with written-out backward passes against the same blocks under autograd. */
class TokenBlocksTest {
  private static final int SUBJECTS = 3;
  private static final int EXPERTS = 2;
  private static final int[] ROWS = {0, 3, 4}; // subject * EXPERTS + expert

  private static Compute compute;
  private static TunableUNet network;

  private record Outcome(float[] prediction, float[] losses, float[] gradient) {}

  @BeforeAll
  static void open() {
    compute = Compute.cpu(2);
    network = ToyWorld.fourBits(compute);
  }

  /** Every subject's and expert's scales, two percent around the network's own. */
  private static float[] start(TunableUNet network) {
    int width = network.layout().width();
    float[] initial = network.initialRow();
    float[] noise = PhiloxRandom.of(7, "scales", 0).normals(SUBJECTS * EXPERTS * width);
    for (int i = 0; i < noise.length; i++) {
      noise[i] = initial[i % width] * (1 + 0.02f * noise[i]);
    }
    return noise;
  }

  @AfterAll
  static void close() {
    network.close();
    compute.close();
  }

  private static NDArray noise(NDManager scope, String name, long... shape) {
    int count = (int) new Shape(shape).size();
    return Compute.floats(scope, PhiloxRandom.of(3, name, 0).normals(count), shape);
  }

  private static UNet.Input input(NDManager scope) {
    return new UNet.Input(
        noise(scope, "sample", 3, 4, 16, 16),
        scope.create(new long[] {20, 700, 310}),
        noise(scope, "context", 3, 16, network.unet().config().crossAttentionDims().get(0)));
  }

  private static NDArray target(NDManager scope) {
    return noise(scope, "target", 3, 4, 16, 16);
  }

  private static NDArray weights(NDManager scope) {
    return scope.create(new float[] {1, 0.5f, 2});
  }

  private static Outcome autograd(TunableUNet network) {
    try (NDManager scope = compute.scope();
        SubjectBatch batch =
            new SubjectBatch(
                compute,
                network,
                SUBJECTS,
                EXPERTS,
                start(network),
                AdamWSettings.REFERENCE,
                true)) {
      UNet.Input input = input(scope);
      NDArray prediction = batch.predict(input, ROWS);
      NDArray losses = batch.accumulate(input, target(scope), weights(scope), ROWS);
      return new Outcome(prediction.toFloatArray(), losses.toFloatArray(), batch.gradient());
    }
  }

  private static Outcome tokens(boolean recompute) {
    return tokens(network, recompute);
  }

  private static Outcome tokens(TunableUNet network, boolean recompute) {
    try (NDManager scope = compute.scope();
        ScaleTable table = new ScaleTable(compute, network, SUBJECTS, EXPERTS, start(network))) {
      NDArray rows = table.rowNumbers(scope, ROWS);
      NDArray scales = table.wholeRows(rows);
      NDArray gradients = scales.zerosLike();
      return Compute.withGradients(
          false,
          () -> {
            TokenBlocks blocks = new TokenBlocks(compute, scope, scales, gradients, recompute);
            NDArray prediction = network.unet().forward(input(scope), blocks);
            NDArray seeds = scope.ones(new Shape(3));
            NDArray losses = blocks.backward(prediction, target(scope), weights(scope), seeds);
            NDArray total = table.zerosLike();
            table.collectGradients(gradients, rows, total);
            return new Outcome(
                prediction.toFloatArray(), losses.toFloatArray(), total.toFloatArray());
          });
    }
  }

  @Test
  void predictionsLossesAndGradientsAreThoseOfAutograd() {
    Outcome expected = autograd(network);
    Outcome actual = tokens(false);

    assertThat(error(actual.prediction, expected.prediction)).isLessThan(1e-5);
    assertThat(error(actual.losses, expected.losses)).isLessThan(1e-6);
    assertThat(error(actual.gradient, expected.gradient)).isLessThan(1e-5);
  }

  @Test
  void recomputingChangesNoBit() {
    Outcome kept = tokens(false);
    Outcome recomputed = tokens(true);

    assertThat(recomputed.prediction).containsExactly(kept.prediction);
    assertThat(recomputed.losses).containsExactly(kept.losses);
    assertThat(recomputed.gradient).containsExactly(kept.gradient);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4, 8})
  void packedIntegersGiveWhatTheirFloatsGive(int bits) {
    try (TunableUNet resident = ToyWorld.quantized(compute, bits, MemoryMode.RESIDENT);
        TunableUNet packed = ToyWorld.quantized(compute, bits, MemoryMode.PACKED)) {
      Outcome expected = autograd(resident);
      Outcome actual = tokens(packed, true);

      assertThat(error(actual.prediction, expected.prediction)).isLessThan(1e-5);
      assertThat(error(actual.gradient, expected.gradient)).isLessThan(1e-5);
    }
  }

  /** Relative by norm. */
  private static double error(float[] actual, float[] expected) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / norm);
  }
}
