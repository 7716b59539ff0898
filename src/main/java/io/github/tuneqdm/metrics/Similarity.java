package io.github.tuneqdm.metrics;

import static io.github.tuneqdm.metrics.Embeddings.dot;
import static io.github.tuneqdm.metrics.Embeddings.normalised;
import static io.github.tuneqdm.metrics.Embeddings.requireSameWidth;
import static io.github.tuneqdm.metrics.Embeddings.requireUsable;

import io.github.tuneqdm.error.TuneQdmException;
import java.util.Arrays;

/**
 * Cosine scores of the DreamBooth protocol (Ruiz et al. 2023, section 4.1). G generated images, R
 * real photos, D features. Everything is computed in double from float32 embeddings.
 */
public final class Similarity {
  private Similarity() {}

  /** {@code cos(a_i, b_j)}: (A, D) and (B, D) give (A, B). */
  public static double[][] cosines(float[][] a, float[][] b) {
    return cosines(a, "first embeddings", b, "second embeddings");
  }

  /**
   * The DINO or CLIP-I score of each generated image: its mean cosine to all real photos. The mean
   * of these is {@link #imageToImage}.
   *
   * @param generated (G, D)
   * @param real (R, D)
   * @return (G)
   */
  public static double[] imageToImageEach(float[][] generated, float[][] real) {
    return Arrays.stream(cosines(generated, "generated images", real, "real photos"))
        .mapToDouble(row -> Arrays.stream(row).sum() / row.length)
        .toArray();
  }

  /** DINO or CLIP-I: the mean cosine over all G x R pairs. */
  public static double imageToImage(float[][] generated, float[][] real) {
    return mean(imageToImageEach(generated, real));
  }

  /**
   * The CLIP-T score of each image: its cosine to its own prompt.
   *
   * @param images (G, D)
   * @param ownPrompts (G, D): row i is the text embedding of image i's prompt
   * @return (G)
   */
  public static double[] imageToTextEach(float[][] images, float[][] ownPrompts) {
    requireSameWidth(
        requireUsable(images, "generated images"), requireUsable(ownPrompts, "prompts"));
    if (images.length != ownPrompts.length) {
      throw new IllegalArgumentException(
          "Cannot pair %d images with %d prompts".formatted(images.length, ownPrompts.length));
    }
    double[][] imageUnits = normalised(images, "generated images");
    double[][] promptUnits = normalised(ownPrompts, "prompts");
    double[] scores = new double[images.length];
    for (int g = 0; g < scores.length; g++) {
      scores[g] = dot(imageUnits[g], promptUnits[g]);
    }
    return scores;
  }

  /** CLIP-T: the mean of {@link #imageToTextEach}. */
  public static double imageToText(float[][] images, float[][] ownPrompts) {
    return mean(imageToTextEach(images, ownPrompts));
  }

  /**
   * CLIP score (Hessel et al. 2021, as torchmetrics has it): the mean of {@code max(0, 100 cos)}.
   */
  public static double clipScore(float[][] images, float[][] ownPrompts) {
    return Arrays.stream(imageToTextEach(images, ownPrompts))
        .map(cosine -> Math.max(0, 100 * cosine))
        .average()
        .orElseThrow();
  }

  /**
   * How alike a subject's photos are among themselves: the mean cosine over all pairs of two
   * different photos. A method that scores above it copies its references.
   *
   * @param real (R, D), R at least 2
   */
  public static double realAgainstReal(float[][] real) {
    return amongThemselves(real, "real photos");
  }

  /**
   * How much a model's pictures of one prompt differ: one minus the mean cosine over all pairs of
   * two different pictures. Ruiz et al. 2023 (table 3) take LPIPS for it, which this is not; 0
   * where all pictures are the same.
   *
   * @param pictures (G, D), G at least 2
   */
  public static double diversity(float[][] pictures) {
    return 1 - amongThemselves(pictures, "pictures of a prompt");
  }

  private static double amongThemselves(float[][] rows, String what) {
    if (rows.length < 2) {
      throw TuneQdmException.inputData(
          "Cannot compare %s among themselves: at least two are needed, there are %d"
              .formatted(what, rows.length));
    }
    double[][] cosines = cosines(rows, what, rows, what); // (N, N)
    double sum = 0;
    for (int i = 0; i < cosines.length; i++) {
      for (int j = 0; j < cosines.length; j++) {
        sum += i == j ? 0 : cosines[i][j];
      }
    }
    return sum / ((double) cosines.length * (cosines.length - 1));
  }

  private static double[][] cosines(float[][] a, String whatA, float[][] b, String whatB) {
    requireSameWidth(requireUsable(a, whatA), requireUsable(b, whatB));
    double[][] unitA = normalised(a, whatA);
    double[][] unitB = normalised(b, whatB);
    double[][] cosines = new double[a.length][b.length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < b.length; j++) {
        cosines[i][j] = dot(unitA[i], unitB[j]);
      }
    }
    return cosines;
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).average().orElseThrow();
  }
}
