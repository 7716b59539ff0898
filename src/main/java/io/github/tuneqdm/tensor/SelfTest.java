package io.github.tuneqdm.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.util.cuda.CudaUtils;
import io.github.tuneqdm.error.TuneQdmException;
import java.util.Arrays;
import java.util.Locale;

/** A small piece of known arithmetic: does the engine compute here, and do our kernels? */
public final class SelfTest {
  private static final int SIDE = 64;
  private static final double GIBI = 1 << 30;

  private SelfTest() {}

  /**
   * Multiplies matrices and runs a kernel of ours, which on a GPU was compiled for it when the
   * compute was opened.
   *
   * @return what was tested, in words
   * @throws TuneQdmException (environment) where a number is wrong
   */
  public static String run(Compute compute) {
    float[] a = new float[SIDE * SIDE];
    for (int i = 0; i < a.length; i++) {
      a[i] = i % 5 - 2; // small enough for every precision to be exact
    }
    try (NDManager scope = compute.scope()) {
      NDArray x = compute.weights(scope, a, SIDE, SIDE);
      require("a matrix product", compute, x.matMul(x), product(a));
      NDArray two = Compute.floats(scope, filled(2), 1, SIDE);
      NDArray tokens = x.reshape(1, SIDE, SIDE); // (B, L, C)
      NDArray scaled = compute.tokenOps().in(scope).scale(tokens, new Columns(two, 0));
      require("a kernel", compute, scaled, doubled(a));
    }
    return "PyTorch %s computes rightly on %s"
        .formatted(Compute.engineVersion(), describe(compute));
  }

  private static String describe(Compute compute) {
    if (compute.cuda().isEmpty()) {
      return "the CPU";
    }
    int index = compute.device().getDeviceId();
    long[] memory = compute.cuda().get().memory();
    return String.format(
        Locale.ROOT,
        "GPU %d: compute capability %s, %.1f of %.1f GiB free",
        index,
        CudaUtils.getComputeCapability(index),
        memory[0] / GIBI,
        memory[1] / GIBI);
  }

  private static void require(String what, Compute compute, NDArray result, float[] expected) {
    float[] got = result.toType(DataType.FLOAT32, true).toFloatArray();
    if (!Arrays.equals(got, expected)) {
      throw TuneQdmException.environment(
          "Cannot trust %s: %s gave wrong numbers (is the GPU healthy? see nvidia-smi -q)"
              .formatted(compute.device(), what));
    }
  }

  private static float[] product(float[] a) {
    float[] c = new float[a.length];
    for (int i = 0; i < SIDE; i++) {
      for (int j = 0; j < SIDE; j++) {
        for (int k = 0; k < SIDE; k++) {
          c[i * SIDE + j] += a[i * SIDE + k] * a[k * SIDE + j];
        }
      }
    }
    return c;
  }

  private static float[] doubled(float[] a) {
    float[] b = a.clone();
    for (int i = 0; i < b.length; i++) {
      b[i] *= 2;
    }
    return b;
  }

  private static float[] filled(float value) {
    float[] all = new float[SIDE];
    Arrays.fill(all, value);
    return all;
  }
}
