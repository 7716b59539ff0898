package io.github.tuneqdm.storage;

/** Arithmetic on tensor extents. */
final class Shapes {
  private Shapes() {}

  /**
   * Product of the extents.
   *
   * @throws ArithmeticException where the product does not fit 63 bits
   * @throws IllegalArgumentException where an extent is negative
   */
  static long elementCount(long[] shape) {
    long count = 1;
    for (long extent : shape) {
      if (extent < 0) {
        throw new IllegalArgumentException("negative extent " + extent);
      }
      count = Math.multiplyExact(count, extent);
    }
    return count;
  }
}
