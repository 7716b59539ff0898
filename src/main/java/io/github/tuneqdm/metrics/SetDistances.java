package io.github.tuneqdm.metrics;

import io.github.tuneqdm.error.TuneQdmException;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * How far a set of pictures is from a reference set in an encoder's space, and the Inception Score,
 * with the usual numbers of subsets and splits. Only Inception's features make a Frechet distance
 * FID; in others it has the encoder's name (Stein et al. 2023).
 */
public final class SetDistances {
  private static final int SUBSETS = 100;
  private static final int LARGEST_SUBSET = 1000;
  private static final int SPLITS = 10;
  private static final long SEED = 0;

  private SetDistances() {}

  /**
   * The Frechet distance, then the kernel distance: over {@value #SUBSETS} pairs of random subsets
   * of at most {@value #LARGEST_SUBSET}, or at once where the sets are no larger.
   *
   * @param images (N, D), N at least 2
   * @param references (M, D), M at least 2
   */
  public static List<SetScore> of(
      String frechetName, String kernelName, float[][] images, float[][] references) {
    if (images.length < 2 || references.length < 2) {
      throw TuneQdmException.inputData(
          "Cannot compute %s of %d images and %d references: at least two of each are needed"
              .formatted(frechetName, images.length, references.length));
    }
    int n = images.length;
    int m = references.length;
    int size = Math.min(LARGEST_SUBSET, Math.min(n, m));
    SetScore kernel;
    if (size == n && size == m) {
      kernel = new SetScore(kernelName, KernelDistance.between(images, references), null, n, m);
    } else {
      Spread spread = KernelDistance.overRandomSubsets(images, references, SUBSETS, size, SEED);
      kernel = new SetScore(kernelName, spread.mean(), spread.populationDeviation(), n, m);
    }
    return List.of(
        new SetScore(frechetName, FrechetDistance.between(images, references), null, n, m), kernel);
  }

  /**
   * The Inception Score over {@value #SPLITS} splits of the pictures in a random order, since
   * folders are often sorted by class.
   *
   * @param logits (N, C)
   */
  public static SetScore inceptionScore(float[][] logits) {
    List<float[]> shuffled = Arrays.asList(logits.clone());
    Collections.shuffle(shuffled, new Random(SEED));
    Spread spread =
        InceptionScore.of(shuffled.toArray(float[][]::new), Math.min(SPLITS, logits.length));
    return new SetScore("IS", spread.mean(), spread.populationDeviation(), logits.length, 0);
  }
}
