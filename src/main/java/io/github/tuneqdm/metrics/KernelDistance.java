package io.github.tuneqdm.metrics;

import java.util.Random;

/**
 * Kernel distance of two sets of features (KID where they are Inception's; Binkowski et al. 2018):
 * the unbiased squared maximum mean discrepancy with
 *
 * <pre>k(x, y) = (x.y / D + 1)^3
 * MMD^2 = sum_{i != j} k(a_i, a_j) / (N (N - 1)) + sum_{i != j} k(b_i, b_j) / (M (M - 1))
 *         - 2 sum_{i, j} k(a_i, b_j) / (N M)</pre>
 *
 * <p>Being unbiased, it may be slightly negative for equal distributions.
 */
public final class KernelDistance {
  private KernelDistance() {}

  /**
   * @param a (N, D), N at least 2
   * @param b (M, D), M at least 2
   */
  public static double between(float[][] a, float[][] b) {
    Embeddings.requireSameWidth(
        Embeddings.requireUsable(a, "images"), Embeddings.requireUsable(b, "reference images"));
    return within(a) + within(b) - 2 * across(a, b);
  }

  /**
   * The distance of several pairs of subsets.
   *
   * @param subsetsA (S, n) row numbers into {@code a}
   * @param subsetsB (S, m) row numbers into {@code b}
   */
  public static Spread overSubsets(float[][] a, float[][] b, int[][] subsetsA, int[][] subsetsB) {
    if (subsetsA.length != subsetsB.length || subsetsA.length == 0) {
      throw new IllegalArgumentException(
          "Cannot pair %d subsets with %d".formatted(subsetsA.length, subsetsB.length));
    }
    double[] distances = new double[subsetsA.length];
    for (int s = 0; s < distances.length; s++) {
      distances[s] = between(rows(a, subsetsA[s]), rows(b, subsetsB[s]));
    }
    return Spread.of(distances);
  }

  /**
   * The distance of random subsets drawn without replacement, the usual way to report KID.
   *
   * @param size rows a subset; at most the smaller set
   * @param seed same seed, same subsets, on every machine
   */
  public static Spread overRandomSubsets(float[][] a, float[][] b, int count, int size, long seed) {
    Random random = new Random(seed);
    int[][] subsetsA = new int[count][];
    int[][] subsetsB = new int[count][];
    for (int s = 0; s < count; s++) {
      subsetsA[s] = draw(random, a.length, size);
      subsetsB[s] = draw(random, b.length, size);
    }
    return overSubsets(a, b, subsetsA, subsetsB);
  }

  private static double within(float[][] rows) {
    if (rows.length < 2) {
      throw new IllegalArgumentException("A kernel distance needs at least two rows a side");
    }
    double sum = 0;
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < i; j++) {
        sum += kernel(rows[i], rows[j]);
      }
    }
    return 2 * sum / ((double) rows.length * (rows.length - 1));
  }

  private static double across(float[][] a, float[][] b) {
    double sum = 0;
    for (float[] left : a) {
      for (float[] right : b) {
        sum += kernel(left, right);
      }
    }
    return sum / ((double) a.length * b.length);
  }

  private static double kernel(float[] x, float[] y) {
    double base = Embeddings.dot(x, y) / x.length + 1;
    return base * base * base;
  }

  private static float[][] rows(float[][] all, int[] numbers) {
    float[][] picked = new float[numbers.length][];
    for (int i = 0; i < numbers.length; i++) {
      picked[i] = all[numbers[i]];
    }
    return picked;
  }

  /** The head of a Fisher-Yates shuffle of 0 to population - 1. */
  private static int[] draw(Random random, int population, int size) {
    if (size > population) {
      throw new IllegalArgumentException("Cannot draw %d of %d rows".formatted(size, population));
    }
    int[] numbers = new int[population];
    for (int i = 0; i < population; i++) {
      numbers[i] = i;
    }
    int[] drawn = new int[size];
    for (int i = 0; i < size; i++) {
      int at = i + random.nextInt(population - i);
      drawn[i] = numbers[at];
      numbers[at] = numbers[i];
    }
    return drawn;
  }
}
