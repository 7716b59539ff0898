package io.github.tuneqdm.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.PhiloxRandom;
import java.util.Map;

/** What the machine reaches on large square matrix products: the ceiling of everything else. */
final class MatmulBench {
  private static final int SECTIONS = 5;
  private static final int PRODUCTS = 5;

  private MatmulBench() {}

  static BenchRow run(Compute compute, String precision) {
    int n = compute.device().isGpu() ? 8192 : 1024;
    try (NDManager scope = compute.scope()) {
      NDArray a = square(compute, scope, n);
      NDArray b = square(compute, scope, n);
      NDArray like = scope.create(0f);
      Timings.Work work = () -> products(compute, a, b, like);
      work.run();
      Timings time = Timings.of(SECTIONS, PRODUCTS, work);
      double teraFlops = time.perSecond(2.0 * n * n * n) / 1e12;
      return new BenchRow(
          BenchTable.MATMUL,
          0,
          0,
          0,
          "",
          precision,
          time,
          BenchRow.Memory.NONE,
          teraFlops,
          Map.of("products of " + n + "^3", time.perSecond(1)));
    }
  }

  /** Random numbers: a GPU draws less power on zeros, and may run faster. */
  private static NDArray square(Compute compute, NDManager scope, int n) {
    float[] row = PhiloxRandom.of(1, "bench/matmul", 0).normals(2 * n);
    float[] values = new float[n * n];
    for (int i = 0; i < n; i++) {
      System.arraycopy(row, i, values, i * n, n);
    }
    return compute.weights(scope, values, n, n);
  }

  private static void products(Compute compute, NDArray a, NDArray b, NDArray like) {
    try (NDManager scope = compute.scope()) {
      NDArray last = a;
      for (int i = 0; i < PRODUCTS; i++) {
        last = a.matMul(b);
        last.attach(scope);
      }
      compute.kernels().castLike(last.get("0"), like).toFloatArray(); // waits for the device
    }
  }
}
