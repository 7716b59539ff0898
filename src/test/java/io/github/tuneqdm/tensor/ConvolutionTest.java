package io.github.tuneqdm.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Convolutions of channel counts that fill no vector, after memory that held NaNs. */
class ConvolutionTest {
  private static final int SIDE = 6;

  @ParameterizedTest
  @CsvSource({"64, 4, 3", "4, 64, 3", "20, 36, 3", "64, 20, 3", "8, 8, 3", "64, 4, 1", "32, 48, 1"})
  void channelsLastDoNeither(int in, int out, int kernel) {
    int batch = 2;
    try (Compute compute = Compute.cpu(1);
        NDManager scope = compute.scope()) {
      NDArray w = numbers(scope, "w", out, in, kernel, kernel);
      NDArray g = numbers(scope, "g", batch, out, SIDE, SIDE);
      float[] expected = inputGradient(g.toFloatArray(), w.toFloatArray(), batch, in, out, kernel);
      TokenOps ops = compute.tokenOps().in(scope);
      NDArray laidOut = ops.channelsLast(w);
      NDArray x = numbers(scope, "x", batch, SIDE, SIDE, in);
      NDArray rows = g.transpose(0, 2, 3, 1); // (B, H, W, O)

      for (int i = 0; i < 20; i++) {
        leaveNans(compute);
        float[] y = ops.conv(x, laidOut, 1, kernel / 2).toFloatArray();
        leaveNans(compute);
        NDArray gx = ops.convBackward(rows, laidOut, SIDE, SIDE, 1, kernel / 2);

        assertThat(y).doesNotContain(Float.NaN);
        assertThat(gx.transpose(0, 3, 1, 2).toFloatArray())
            .containsExactly(expected, within(1e-4f));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"64, 4, 3", "4, 64, 3", "20, 36, 3", "64, 20, 3", "8, 8, 3", "64, 4, 1", "32, 48, 1"})
  void nothingThatMemoryHeldBeforeReachesResults(int in, int out, int kernel) {
    int batch = 2;
    try (Compute compute = Compute.cpu(1);
        NDManager scope = compute.scope();
        NDArray w = numbers(scope, "w", out, in, kernel, kernel);
        BlockWeights block =
            new BlockWeights(
                List.of(new FrozenWeight.Resident(w)),
                List.of(compute.empty()),
                new long[] {out, in},
                -1,
                0)) {
      NDArray x = numbers(scope, "x", batch, in, SIDE, SIDE);
      NDArray g = numbers(scope, "g", batch, out, SIDE, SIDE);
      x.setRequiresGradient(true);
      float[] expected = inputGradient(g.toFloatArray(), w.toFloatArray(), batch, in, out, kernel);

      for (int i = 0; i < 20; i++) {
        leaveNans(compute);
        NDArray y =
            Compute.withGradients(
                true, () -> compute.kernels().conv2d(x, block, ScaleRows.NONE, 1, kernel / 2));
        leaveNans(compute);
        JniUtils.backward((PtNDArray) y, (PtNDArray) g, false, false);

        assertThat(x.getGradient().toFloatArray()).containsExactly(expected, within(1e-4f));
        x.getGradient().subi(x.getGradient().duplicate());
      }
    }
  }

  /** Fills memory of many sizes with NaNs and gives it back. */
  private static void leaveNans(Compute compute) {
    try (NDManager scope = compute.scope()) {
      List<NDArray> held = new ArrayList<>();
      for (long size = 256; size < 1 << 17; size += size / 8) {
        for (int copy = 0; copy < 4; copy++) {
          held.add(scope.full(new Shape(size), Float.NaN));
        }
      }
    }
  }

  private static NDArray numbers(NDManager manager, String name, long... shape) {
    int size = (int) new Shape(shape).size();
    return Compute.floats(manager, PhiloxRandom.of(1, name, 0).normals(size), shape);
  }

  /** The gradient of x (B, I, H, W) by the definition. */
  private static float[] inputGradient(
      float[] g, float[] w, int batch, int in, int out, int kernel) {
    float[] gradient = new float[batch * in * SIDE * SIDE];
    for (int b = 0; b < batch; b++) {
      for (int o = 0; o < out; o++) {
        for (int i = 0; i < in; i++) {
          for (int p = 0; p < SIDE * SIDE; p++) {
            for (int k = 0; k < kernel * kernel; k++) {
              int row = p / SIDE + k / kernel - kernel / 2;
              int column = p % SIDE + k % kernel - kernel / 2;
              if (row >= 0 && row < SIDE && column >= 0 && column < SIDE) {
                gradient[(b * in + i) * SIDE * SIDE + row * SIDE + column] +=
                    g[(b * out + o) * SIDE * SIDE + p] * w[(o * in + i) * kernel * kernel + k];
              }
            }
          }
        }
      }
    }
    return gradient;
  }
}
