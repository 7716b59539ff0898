package io.github.tuneqdm.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.ToyWorld;
import io.github.tuneqdm.models.LrWeights;
import io.github.tuneqdm.models.Parametrization;
import io.github.tuneqdm.models.ScaleCoordinates;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.nn.ScaleLayout;
import io.github.tuneqdm.tensor.Compute;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ParametrizationTest {
  private static final AdamWSettings WITHOUT_DECAY = new AdamWSettings(0.9, 0.999, 1e-30, 0, 1e9);

  @ParameterizedTest
  @EnumSource(Parametrization.class)
  void trainingBeginsAtTheQuantisersScalesToTheBit(Parametrization parametrization) {
    try (Compute compute = Compute.cpu(2);
        TunableUNet network = ToyWorld.fourBits(compute);
        SubjectBatch batch = batch(compute, network, parametrization, WITHOUT_DECAY)) {
      assertThat(batch.scales()).isEqualTo(network.initialRow());
    }
  }

  @Test
  void aRelativeStepMovesEveryScaleByTheSameShare() {
    try (Compute compute = Compute.cpu(2);
        TunableUNet network = ToyWorld.fourBits(compute);
        SubjectBatch batch = batch(compute, network, Parametrization.RELATIVE, WITHOUT_DECAY)) {
      float[] initial = network.initialRow();
      float[] gradient = step(compute, batch, 1e-2);
      float[] scales = batch.scales();

      for (int i = 0; i < scales.length; i++) {
        double share = scales[i] / initial[i] - 1;
        // AdamW's first step is the learning rate against the sign of the gradient.
        double expected = -1e-2 * Math.signum(gradient[i]);
        assertThat(share).as("column %d", i).isCloseTo(expected, within(1e-5));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Parametrization.class)
  void theUNetsBlocksLearnAtTheirOwnRates(Parametrization parametrization) {
    LrWeights weights = new LrWeights(0.5, 0, 1.5);
    try (Compute compute = Compute.cpu(2);
        TunableUNet network = ToyWorld.fourBits(compute)) {
      ScaleCoordinates in = parametrization.of(network, weights);
      try (SubjectBatch batch =
          new SubjectBatch(compute, network, 1, 1, in, in.initial(1), WITHOUT_DECAY, true)) {
        float[] initial = network.initialRow();
        float[] gradient = step(compute, batch, 1e-3);
        float[] scales = batch.scales();

        for (ScaleLayout.Layer layer : network.layout().layers()) {
          int column = layer.inColumn();
          double weight =
              switch (layer.name().substring(0, 2)) {
                case "do" -> 0.5;
                case "mi" -> 0;
                case "up" -> 1.5;
                default -> 1;
              };
          double moved = scales[column] - initial[column];
          // Of absolute scales, of which delta_in starts at 1, a step is as long.
          double expected = -1e-3 * weight * Math.signum(gradient[column]);
          assertThat(moved).as(layer.name()).isCloseTo(expected, within(1e-6));
        }
      }
    }
  }

  @Test
  void relativeGradientsAreThoseOfScalesTimesTheInitialScales() {
    try (Compute compute = Compute.cpu(2);
        TunableUNet network = ToyWorld.fourBits(compute);
        SubjectBatch absolute = batch(compute, network, Parametrization.ABSOLUTE, WITHOUT_DECAY);
        SubjectBatch relative = batch(compute, network, Parametrization.RELATIVE, WITHOUT_DECAY)) {
      float[] initial = network.initialRow();
      float[] ofScales = step(compute, absolute, 1e-9);
      float[] ofShares = step(compute, relative, 1e-9);

      double difference = 0;
      double size = 0;
      for (int i = 0; i < initial.length; i++) {
        double expected = ofScales[i] * (double) initial[i];
        difference += Math.pow(ofShares[i] - expected, 2);
        size += expected * expected;
      }
      assertThat(Math.sqrt(difference / size)).isLessThan(1e-5);
    }
  }

  @Test
  void decayPullsRelativeScalesBackToTheirStart() {
    AdamWSettings strong = new AdamWSettings(0.9, 0.999, 1e30, 50, 1e9); // no step but decay
    try (Compute compute = Compute.cpu(2);
        TunableUNet network = ToyWorld.fourBits(compute)) {
      ScaleCoordinates in = Parametrization.RELATIVE.of(network);
      float[] moved = in.initial(1);
      java.util.Arrays.fill(moved, 0.5f);
      try (SubjectBatch batch = new SubjectBatch(compute, network, 1, 1, in, moved, strong, true)) {
        step(compute, batch, 1e-2);
        float[] scales = batch.scales();
        float[] initial = network.initialRow();
        for (int i = 0; i < scales.length; i++) {
          assertThat(scales[i] / initial[i]).isCloseTo(1.25f, within(1e-5f)); // half way back
        }
      }
    }
  }

  private static SubjectBatch batch(
      Compute compute, TunableUNet network, Parametrization parametrization, AdamWSettings adamW) {
    ScaleCoordinates in = parametrization.of(network);
    return new SubjectBatch(compute, network, 1, 1, in, in.initial(1), adamW, true);
  }

  /** Makes a step on one sample; returns its gradient. */
  private static float[] step(Compute compute, SubjectBatch batch, double learningRate) {
    try (NDManager scope = compute.scope()) {
      var sample = Compute.floats(scope, noise(0, 1024), 1, 4, 16, 16);
      var target = Compute.floats(scope, noise(1, 1024), 1, 4, 16, 16);
      var context = Compute.floats(scope, noise(2, 24 * 96), 1, 24, 96);
      UNet.Input input = new UNet.Input(sample, scope.create(new long[] {500}), context);
      batch.accumulate(input, target, scope.ones(new Shape(1)), new int[] {0});
      float[] gradient = batch.gradient();
      batch.update(scope, learningRate, 1);
      return gradient;
    }
  }

  private static float[] noise(long seed, int count) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
