package io.github.tuneqdm.diffusion;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/** The float32 arithmetic of PyTorch's CPU operators that noise tables are made with. */
final class TorchMath {
  private TorchMath() {}

  /**
   * torch.linspace: the first half counts up from start, the second half down from end, each entry
   * rounded once.
   */
  static float[] linspace(float start, float end, int count) {
    float[] values = new float[count];
    if (count == 1) {
      values[0] = start;
      return values;
    }
    float step = (end - start) / (count - 1);
    for (int i = 0; i < count; i++) {
      values[i] =
          i < count / 2
              ? Math.fma(step, (float) i, start)
              : Math.fma(-step, (float) (count - 1 - i), end);
    }
    return values;
  }

  /** torch.cumprod of a float32 table: accumulated in double, each entry rounded to float32. */
  static float[] cumulativeProduct(float[] values) {
    float[] products = new float[values.length];
    double product = 1;
    for (int i = 0; i < values.length; i++) {
      product *= values[i];
      products[i] = (float) product;
    }
    return products;
  }

  /**
   * The engine's own square root. PyTorch takes float32 roots from a vector library that is not
   * correctly rounded (up to 0.75 ulp); tables equal to diffusers' bit for bit need the same one.
   */
  static float[] sqrt(float[] values) {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");
        NDArray roots = manager.create(values).sqrt()) {
      return roots.toFloatArray();
    }
  }

  static float sqrt(float value) {
    return sqrt(new float[] {value})[0];
  }
}
