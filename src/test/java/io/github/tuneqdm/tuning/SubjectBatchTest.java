package io.github.tuneqdm.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.ToyWorld;
import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.PhiloxRandom;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SubjectBatchTest {

  @Test
  void aSubjectOfNaNsLeavesTheOthersAsTheyAre() {
    try (Compute compute = Compute.cpu(2);
        TunableUNet network = ToyWorld.fourBits(compute)) {
      float[] healthy = start(network);
      float[] broken = healthy.clone();
      Arrays.fill(broken, 0, broken.length / 2, Float.NaN);

      float[] expected = step(compute, network, healthy);
      float[] actual = step(compute, network, broken);

      int half = healthy.length / 2;
      assertThat(Arrays.copyOfRange(actual, half, 2 * half))
          .isEqualTo(Arrays.copyOfRange(expected, half, 2 * half));
      assertThat(actual[0]).isNaN();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aSubjectWithSettingsOfItsOwnLeavesTheOthersAsTheyAre(boolean trainDeltaIn) {
    AdamWSettings usual = AdamWSettings.REFERENCE;
    AdamWSettings own = new AdamWSettings(0.9, 0.999, 1e-8, 0.5, 0.01);
    try (Compute compute = Compute.cpu(2);
        TunableUNet network = ToyWorld.fourBits(compute)) {
      float[] usualBoth = update(compute, network, trainDeltaIn, 1e-3, usual, 1e-3, usual);
      float[] ownBoth = update(compute, network, trainDeltaIn, 1e-4, own, 1e-4, own);
      float[] mixed = update(compute, network, trainDeltaIn, 1e-4, own, 1e-3, usual);

      int half = mixed.length / 2;
      assertThat(Arrays.copyOf(mixed, half)).isEqualTo(Arrays.copyOf(ownBoth, half));
      assertThat(Arrays.copyOfRange(mixed, half, 2 * half))
          .isEqualTo(Arrays.copyOfRange(usualBoth, half, 2 * half));
      assertThat(Arrays.copyOf(ownBoth, half)).isNotEqualTo(Arrays.copyOf(usualBoth, half));
    }
  }

  @Test
  void fewerSamplesAtATimeGiveTheSameScalesUpToRounding() {
    try (Compute compute = Compute.cpu(1); // two threads would take a sample each anyway
        TunableUNet network = ToyWorld.fourBits(compute)) {
      float[] atOnce = step(compute, network, start(network), 2);
      float[] oneByOne = step(compute, network, start(network), 1);

      double largest = 0;
      for (int i = 0; i < atOnce.length; i++) {
        largest = Math.max(largest, Math.abs(atOnce[i] - oneByOne[i]));
      }
      assertThat(largest).isLessThan(1e-5); // a hundredth of the step's length
    }
  }

  @Test
  void packedIntegersTrainLikeResidentWeights() {
    try (Compute compute = Compute.cpu(2)) {
      double[] resident = losses(compute, MemoryMode.RESIDENT);
      double[] packed = losses(compute, MemoryMode.PACKED);

      for (int step = 0; step < resident.length; step++) {
        assertThat(packed[step]).isCloseTo(resident[step], withinPercentage(0.1));
      }
      assertThat(resident[resident.length - 1]).isLessThan(resident[0]);
    }
  }

  /** Losses of 50 steps on one sample. */
  private static double[] losses(Compute compute, MemoryMode mode) {
    double[] losses = new double[50];
    try (TunableUNet network = ToyWorld.quantized(compute, 4, mode);
        SubjectBatch batch =
            new SubjectBatch(
                compute,
                network,
                1,
                1,
                DeltaScales.initial(network, 1).rows(),
                AdamWSettings.REFERENCE,
                true)) {
      for (int step = 0; step < losses.length; step++) {
        try (NDManager scope = compute.scope()) {
          var sample = Compute.floats(scope, noise(0, 1024), 1, 4, 16, 16);
          var target = Compute.floats(scope, noise(1, 1024), 1, 4, 16, 16);
          var context = Compute.floats(scope, noise(2, 24 * 96), 1, 24, 96);
          UNet.Input input = new UNet.Input(sample, scope.create(new long[] {500}), context);
          losses[step] =
              batch.accumulate(input, target, scope.ones(new Shape(1)), new int[] {0}).getFloat();
          batch.update(scope, 1e-4, 1); // the demo's rate
        }
      }
    }
    return losses;
  }

  private static float[] start(TunableUNet network) {
    float[] one = DeltaScales.initial(network, 2).rows();
    float[] both = Arrays.copyOf(one, 2 * one.length);
    System.arraycopy(one, 0, both, one.length, one.length);
    return both;
  }

  private static float[] step(Compute compute, TunableUNet network, float[] start) {
    return step(compute, network, start, 2);
  }

  private static float[] step(Compute compute, TunableUNet network, float[] start, int together) {
    try (SubjectBatch batch =
            new SubjectBatch(compute, network, 2, 2, start, AdamWSettings.REFERENCE, true);
        NDManager scope = compute.scope()) {
      batch.limitTogether(together);
      accumulate(batch, scope);
      batch.update(scope, 1e-3, 1);
      return batch.scales();
    }
  }

  /** Two steps of two subjects. */
  private static float[] update(
      Compute compute,
      TunableUNet network,
      boolean trainDeltaIn,
      double firstRate,
      AdamWSettings first,
      double secondRate,
      AdamWSettings second) {
    try (SubjectBatch batch =
            new SubjectBatch(
                compute, network, 2, 2, start(network), AdamWSettings.REFERENCE, trainDeltaIn);
        NDManager scope = compute.scope()) {
      batch.each(List.of(first, second));
      for (int step = 0; step < 2; step++) {
        accumulate(batch, scope);
        batch.update(scope, new double[] {firstRate, secondRate}, 1);
      }
      return batch.scales();
    }
  }

  private static void accumulate(SubjectBatch batch, NDManager scope) {
    var sample = Compute.floats(scope, noise(0, 2 * 1024), 2, 4, 16, 16);
    var target = Compute.floats(scope, noise(1, 2 * 1024), 2, 4, 16, 16);
    var context = Compute.floats(scope, noise(2, 2 * 24 * 96), 2, 24, 96);
    UNet.Input input = new UNet.Input(sample, scope.create(new long[] {100, 900}), context);
    batch.accumulate(input, target, scope.ones(new Shape(2)), new int[] {0, 3});
  }

  private static float[] noise(int stream, int count) {
    return PhiloxRandom.of(7, "test", stream).normals(count);
  }
}
