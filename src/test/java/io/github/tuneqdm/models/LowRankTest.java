package io.github.tuneqdm.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.FrozenWeight;
import io.github.tuneqdm.tensor.PhiloxRandom;
import io.github.tuneqdm.tensor.ScaleRows;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class LowRankTest {
  private static final LowRank RANK_2 = new LowRank(2, 3);

  @Test
  void aMergedConvolutionIsTheConvolutionAndItsAdapter() {
    try (Compute compute = Compute.cpu(2);
        NDManager scope = compute.scope()) {
      NDArray x = random(scope, "x", 1, 4, 6, 5);
      NDArray w = random(scope, "w", 7, 4, 3, 3);
      NDArray a = random(scope, "a", RANK_2.shapeOfA(new long[] {7, 4, 3, 3}));
      NDArray b = random(scope, "b", RANK_2.shapeOfB(new long[] {7, 4, 3, 3}));

      NDArray adapted =
          conv(compute, x, w, 1).add(conv(compute, conv(compute, x, a, 1), b, 0).mul(1.5));

      assertThat(conv(compute, x, merged(compute, w, theta(a, b)), 1).toFloatArray())
          .containsExactly(adapted.toFloatArray(), within(1e-4f));
    }
  }

  @Test
  void aMergedLinearLayerIsTheLayerAndItsAdapter() {
    try (Compute compute = Compute.cpu(2);
        NDManager scope = compute.scope()) {
      NDArray x = random(scope, "x", 3, 4);
      NDArray w = random(scope, "w", 7, 4);
      NDArray a = random(scope, "a", RANK_2.shapeOfA(new long[] {7, 4}));
      NDArray b = random(scope, "b", RANK_2.shapeOfB(new long[] {7, 4}));

      NDArray adapted =
          x.matMul(w.transpose())
              .add(x.matMul(a.transpose()).matMul(b.transpose()).mul(1.5)); // (3, 7)

      assertThat(x.matMul(merged(compute, w, theta(a, b)).transpose()).toFloatArray())
          .containsExactly(adapted.toFloatArray(), within(1e-4f));
    }
  }

  /** Numbers that only Java still held would be gone by the way back. */
  @Test
  void theWayBackNeedsNothingThatJavaCollects() throws InterruptedException {
    try (Compute compute = Compute.cpu(2);
        NDManager scope = compute.scope()) {
      NDArray w = random(scope, "w", 3, 4);
      NDArray b = random(scope, "b", 3, 2);
      NDArray a = random(scope, "a", 2, 4);
      NDArray theta = theta(a, b);
      theta.setRequiresGradient(true);
      List<NDArray> merged =
          Compute.withGradients(
              true, () -> Stream.generate(() -> merged(compute, w, theta)).limit(200).toList());
      for (int i = 0; i < 5; i++) {
        System.gc();
        Thread.sleep(20); // until what was collected is freed
      }
      List<ByteBuffer> takers = new ArrayList<>();
      for (int i = 0; i < 20_000; i++) { // and its place is taken
        takers.add(ByteBuffer.allocateDirect(Double.BYTES).putDouble(0, 1e9));
      }
      Compute.withGradients(
          true,
          () -> {
            for (NDArray one : merged) {
              JniUtils.backward((PtNDArray) one, (PtNDArray) one.onesLike(), false, false);
            }
            return null;
          });

      float[] expected = new float[6]; // 200 c 1 A'
      float[] values = a.toFloatArray();
      for (int r = 0; r < 2; r++) {
        float sum = values[4 * r] + values[4 * r + 1] + values[4 * r + 2] + values[4 * r + 3];
        for (int o = 0; o < 3; o++) {
          expected[2 * o + r] = 200 * 1.5f * sum;
        }
      }
      assertThat(theta.getGradient().get(":, 8:").toFloatArray())
          .containsExactly(expected, within(0.05f));
      assertThat(takers).isNotEmpty(); // they lived until here
    }
  }

  @Test
  void namesAreThoseOfPeft() {
    String weight = "down_blocks.0.attentions.0.proj_in.weight";

    assertThat(LowRank.nameOfA(weight))
        .isEqualTo("unet.down_blocks.0.attentions.0.proj_in.lora_A.weight");
    assertThat(LowRank.nameOfB(weight))
        .isEqualTo("unet.down_blocks.0.attentions.0.proj_in.lora_B.weight");
  }

  /** A and B as one row. */
  private static NDArray theta(NDArray a, NDArray b) {
    return a.reshape(1, -1).concat(b.reshape(1, -1), 1);
  }

  private static NDArray merged(Compute compute, NDArray w, NDArray theta) {
    return RANK_2.merged(compute, theta, List.of(w)).get(0);
  }

  private static NDArray random(NDManager scope, String name, long... shape) {
    int size = (int) new Shape(shape).size();
    return Compute.floats(scope, PhiloxRandom.of(1, name, 0).normals(size), shape);
  }

  private static NDArray conv(Compute compute, NDArray x, NDArray weight, int padding) {
    try (BlockWeights block =
        new BlockWeights(
            List.of(new FrozenWeight.Resident(weight)),
            List.of(compute.empty()),
            new long[] {weight.getShape().get(0), weight.getShape().get(1)},
            -1,
            0)) {
      return compute.kernels().conv2d(x, block, ScaleRows.NONE, 1, padding);
    }
  }
}
