package io.github.tuneqdm.diffusion;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;

/**
 * Classifier-free guidance (Ho and Salimans 2022) on a doubled batch, whose first half is
 * unconditional and whose second half is conditional.
 */
public final class Guidance {
  private Guidance() {}

  /**
   * The network input for both halves.
   *
   * @param sample (B, ...)
   * @return (2B, ...), a new array on {@code sample}'s manager
   */
  public static NDArray doubled(NDArray sample) {
    return sample.concat(sample, 0);
  }

  /**
   * {@code uncond + scale (cond - uncond)}.
   *
   * @param doubled the network's output (2B, ...), [uncond, cond]
   * @param scale 1 gives the conditional half, larger values exaggerate it
   * @return (B, ...), a new array on {@code doubled}'s manager
   */
  public static NDArray combine(NDArray doubled, double scale) {
    if (doubled.size(0) % 2 != 0) {
      throw new IllegalArgumentException("a batch of " + doubled.size(0) + " has no halves");
    }
    NDList halves = doubled.split(2);
    try (halves;
        NDManager scalars = doubled.getManager().newSubManager(Device.cpu())) {
      NDArray uncond = halves.get(0); // (B, ...)
      NDArray cond = halves.get(1); // (B, ...)
      return cond.sub(uncond).muli(scalars.create(scale)).addi(uncond);
    }
  }
}
