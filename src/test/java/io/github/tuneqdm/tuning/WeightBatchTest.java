package io.github.tuneqdm.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.JsonNode;
import io.github.tuneqdm.GoldenTensors;
import io.github.tuneqdm.models.LowRank;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.Models;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.nn.ReplacedWeights;
import io.github.tuneqdm.nn.TorchBlocks;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.PhiloxRandom;
import io.github.tuneqdm.tensor.ScaleRows;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** On the goldens' tiny Stable Diffusion UNet, one sample a pass. */
class WeightBatchTest {
  private static final Path FOLDER = Path.of("src/test/goldens/sd_tiny/unet");
  private static final GoldenTensors GOLDENS = GoldenTensors.open("unet_sd1.safetensors");
  private static final LowRank RANK_3 = new LowRank(3, 6);
  private static final AdamWSettings ADAM_W = new AdamWSettings(0.9, 0.999, 1e-8, 0.1, 0.5);

  private static Compute compute;

  @BeforeAll
  static void open() {
    compute = Compute.cpu(2);
  }

  @AfterAll
  static void close() {
    compute.close();
  }

  private static UNet base() {
    return Models.unet(compute, FOLDER);
  }

  private static TrainableWeights full() {
    ModelConfig config = ModelConfig.read(FOLDER.resolve("config.json"));
    return TrainableWeights.full(compute, config, WeightBatchTest::base);
  }

  private static UNet.Input input(NDManager scope) {
    return new UNet.Input(
        row(scope, "sample"),
        scope.create(new long[] {(long) GOLDENS.doubles("timestep")[1]}),
        row(scope, "encoder_hidden_states"));
  }

  private static NDArray row(NDManager scope, String name) {
    long[] shape = GOLDENS.shape(name);
    shape[0] = 1;
    return Compute.floats(scope, GOLDENS.floatRows(name)[1], shape);
  }

  private static double accumulate(WeightBatch batch) {
    return accumulate(batch, 1);
  }

  private static double accumulate(WeightBatch batch, float weight) {
    return Compute.withGradients(
        false,
        () -> {
          try (NDManager scope = compute.scope()) {
            NDArray weights = Compute.floats(scope, new float[] {weight}, 1);
            return (double)
                batch.accumulate(input(scope), row(scope, "target"), weights).getFloat();
          }
        });
  }

  private static double update(WeightBatch batch, double rate, int parts) {
    return Compute.withGradients(
        false,
        () -> {
          try (NDManager scope = compute.scope()) {
            return (double) batch.update(scope, rate, parts).getFloat();
          }
        });
  }

  /** The gradient by the names of what is trained. */
  private static Map<String, float[]> gradient(TrainableWeights weights, WeightBatch batch) {
    float[] whole = batch.gradient();
    Map<String, float[]> gradient = new HashMap<>();
    int at = 0;
    for (TrainableWeights.Leaf leaf : weights.leaves) {
      int size = (int) leaf.size();
      gradient.put(leaf.name(), Arrays.copyOfRange(whole, at, at + size));
      at += size;
    }
    return gradient;
  }

  private static float largest(float[] values) {
    float largest = 0;
    for (float v : values) {
      largest = Math.max(largest, Math.abs(v));
    }
    return largest;
  }

  private static double norm(float[] values) {
    double sum = 0;
    for (float v : values) {
      sum += (double) v * v;
    }
    return Math.sqrt(sum);
  }

  @Test
  void theGradientOfAllWeightsIsTheReferences() {
    try (TrainableWeights weights = full();
        WeightBatch batch = new WeightBatch(compute, weights, ADAM_W)) {
      double loss = accumulate(batch);
      Map<String, float[]> gradient = gradient(weights, batch);

      assertThat(loss).isCloseTo(GOLDENS.doubles("float.loss_row1")[0], withinPercentage(0.001));
      JsonNode names = GOLDENS.info().get("float.grad_names");
      double[] norms = GOLDENS.doubles("float.grad_norms_row1");
      assertThat(gradient).hasSize(norms.length);
      double whole = 0;
      for (int i = 0; i < norms.length; i++) {
        assertThat(norm(gradient.get(names.get(i).asText())))
            .as(names.get(i).asText())
            .isCloseTo(norms[i], within(1e-3 * norms[i] + 1e-7));
        whole += norms[i] * norms[i];
      }
      String conv = "conv_in.weight";
      assertThat(gradient.get(conv))
          .containsExactly(GOLDENS.floats("float.grad_row1." + conv), within(1e-5f));
      assertThat(update(batch, 1e-3, 1)).isCloseTo(Math.sqrt(whole), withinPercentage(0.01));
    }
  }

  @Test
  void aStepOfAllWeightsIsAdamWsWithOneNormForAll() {
    try (TrainableWeights weights = full();
        WeightBatch batch = new WeightBatch(compute, weights, ADAM_W)) {
      accumulate(batch, 2);
      accumulate(batch, 2);
      float[] gradient = batch.gradient();
      Map<String, StoredTensor> before = batch.tensors();
      double norm = update(batch, 1e-3, 2);
      Map<String, StoredTensor> after = batch.tensors();

      // the engine sums a million squares in float32
      assertThat(norm).isCloseTo(norm(gradient) / 2, withinPercentage(0.02));
      double clip = Math.min(1, ADAM_W.maxGradNorm() / (norm + 1e-6));
      assertThat(clip).isLessThan(1);
      int at = 0;
      for (TrainableWeights.Leaf leaf : weights.leaves) {
        float[] old = before.get(leaf.name()).toFloats();
        float[] now = after.get(leaf.name()).toFloats();
        for (int i = 0; i < old.length; i++, at++) {
          // the first step: m / (1 - beta1) = g, sqrt(v / (1 - beta2)) = |g|
          double g = gradient[at] / 2.0 * clip;
          double expected =
              old[i] * (1 - 1e-3 * ADAM_W.weightDecay())
                  - 1e-3 * g / (Math.abs(g) + ADAM_W.epsilon());
          assertThat((double) now[i]).as(leaf.name()).isCloseTo(expected, within(2e-6));
        }
      }
    }
  }

  @Test
  void additionsBeginAsNothing() {
    try (TrainableWeights weights = TrainableWeights.lowRank(compute, RANK_3, base(), 7);
        UNet base = base();
        NDManager scope = compute.scope()) {
      NDArray theta = weights.start(scope);
      try (ReplacedWeights replaced = new ReplacedWeights(weights.replacements(theta))) {
        NDArray expected = base.forward(input(scope), ScaleRows.NONE);
        NDArray actual = weights.unet().forward(input(scope), new TorchBlocks(compute, replaced));

        assertThat(actual.toFloatArray()).isEqualTo(expected.toFloatArray());
      }
      for (TrainableWeights.Leaf leaf : weights.leaves) {
        float[] values = weights.pieces(theta).get(leaf.name()).toFloatArray();
        if (leaf.name().endsWith("lora_A.weight")) {
          float bound = (float) (1 / Math.sqrt(values.length / 3.0));
          double third = bound / Math.sqrt(3); // a uniform number's deviation
          assertThat(largest(values)).isLessThanOrEqualTo(bound);
          assertThat(norm(values) / Math.sqrt(values.length)).isBetween(0.6 * third, 1.4 * third);
        } else {
          assertThat(largest(values)).isZero();
        }
      }
    }
  }

  /** With W = W0 + c B A: dA = c B' dW and dB = c dW A', and dW is the reference's. */
  @Test
  void theGradientOfAdditionsFollowsFromThatOfTheMergedWeights() {
    try (TrainableWeights additions = TrainableWeights.lowRank(compute, RANK_3, base(), 7);
        WeightBatch batch = new WeightBatch(compute, additions, ADAM_W, somewhere(additions))) {
      Map<String, StoredTensor> checkpoint = batch.tensors();
      double loss = accumulate(batch);
      Map<String, float[]> gradient = gradient(additions, batch);

      ModelConfig config = ModelConfig.read(FOLDER.resolve("config.json"));
      try (TrainableWeights whole =
              TrainableWeights.full(compute, config, () -> merged(checkpoint));
          WeightBatch merged = new WeightBatch(compute, whole, ADAM_W)) {
        assertThat(accumulate(merged)).isCloseTo(loss, withinPercentage(0.001));
        Map<String, float[]> ofWeights = gradient(whole, merged);
        for (String name : LowRank.targets(additions.unet()).keySet()) {
          float[] a = checkpoint.get(LowRank.nameOfA(name)).toFloats();
          float[] b = checkpoint.get(LowRank.nameOfB(name)).toFloats();
          float[] dw = ofWeights.get(name);
          int in = a.length / 3;
          int out = b.length / 3;
          double[] da = new double[a.length];
          double[] db = new double[b.length];
          for (int o = 0; o < out; o++) {
            for (int r = 0; r < 3; r++) {
              for (int i = 0; i < in; i++) {
                da[r * in + i] += 2.0 * b[o * 3 + r] * dw[o * in + i];
                db[o * 3 + r] += 2.0 * dw[o * in + i] * a[r * in + i];
              }
            }
          }
          near(name + " A", gradient.get(LowRank.nameOfA(name)), da);
          near(name + " B", gradient.get(LowRank.nameOfB(name)), db);
        }
      }
    }
  }

  /** A slope that no autograd had a part in. */
  @Test
  void theGradientOfAdditionsIsTheSlopeOfTheLoss() {
    try (TrainableWeights additions = TrainableWeights.lowRank(compute, RANK_3, base(), 7)) {
      TrainingState here = somewhere(additions);
      float[] direction = PhiloxRandom.of(3, "direction", 0).normals((int) additions.size());
      double slope = 0;
      try (WeightBatch batch = new WeightBatch(compute, additions, ADAM_W, here)) {
        accumulate(batch);
        float[] gradient = batch.gradient();
        for (int i = 0; i < direction.length; i++) {
          slope += (double) gradient[i] * direction[i];
        }
      }
      double h = 1e-4;
      double seen =
          (lossAt(additions, moved(here, direction, h))
                  - lossAt(additions, moved(here, direction, -h)))
              / (2 * h);

      assertThat(seen).isCloseTo(slope, withinPercentage(2));
    }
  }

  @Test
  void trainingLowersTheLoss() {
    try (TrainableWeights all = full();
        TrainableWeights additions = TrainableWeights.lowRank(compute, RANK_3, base(), 7)) {
      for (TrainableWeights weights : List.of(all, additions)) {
        try (WeightBatch batch = new WeightBatch(compute, weights, ADAM_W)) {
          double before = accumulate(batch);
          for (int step = 0; step < 15; step++) {
            update(batch, 3e-3, 1);
            accumulate(batch);
          }
          update(batch, 3e-3, 1);
          assertThat(accumulate(batch)).isLessThan(0.8 * before);
        }
      }
    }
  }

  private static double lossAt(TrainableWeights weights, TrainingState state) {
    try (WeightBatch batch = new WeightBatch(compute, weights, ADAM_W, state)) {
      return accumulate(batch);
    }
  }

  private static TrainingState moved(TrainingState state, float[] direction, double by) {
    float[] theta = state.scales().toFloats();
    for (int i = 0; i < theta.length; i++) {
      theta[i] += (float) (by * direction[i]);
    }
    return state(theta);
  }

  /** Additions that are not zero. */
  private static TrainingState somewhere(TrainableWeights weights) {
    float[] theta = PhiloxRandom.of(5, "theta", 0).normals((int) weights.size());
    for (int i = 0; i < theta.length; i++) {
      theta[i] *= 0.1f;
    }
    return state(theta);
  }

  private static TrainingState state(float[] theta) {
    StoredTensor zero = StoredTensor.of(new float[theta.length], 1, theta.length);
    return new TrainingState(
        0,
        StoredTensor.of(theta, 1, theta.length),
        zero,
        zero,
        new float[0],
        new float[0],
        List.of(List.of()));
  }

  private static UNet merged(Map<String, StoredTensor> checkpoint) {
    UNet unet = base();
    RANK_3.mergeInto(unet, compute, new Tensors(checkpoint), "test");
    return unet;
  }

  private static void near(String what, float[] actual, double[] expected) {
    double difference = 0;
    double length = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      length += Math.pow(expected[i], 2);
    }
    assertThat(Math.sqrt(difference)).as(what).isLessThan(1e-3 * Math.sqrt(length) + 1e-7);
  }
}
