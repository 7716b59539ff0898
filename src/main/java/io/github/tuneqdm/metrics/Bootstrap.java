package io.github.tuneqdm.metrics;

import java.util.Arrays;
import java.util.Random;

/**
 * Percentile bootstrap (Efron 1979) of a mean over subjects. Subjects are what is resampled, not
 * images: the images of one subject are no independent evidence about the next subject.
 */
public final class Bootstrap {
  public static final double LEVEL = 0.95;
  public static final int RESAMPLES = 10_000;

  private Bootstrap() {}

  /**
   * @param subjectMeans one value a subject, in an order the caller keeps stable; to compare two
   *     methods, give each subject's difference
   * @param seed same seed and values, same interval, on every machine
   */
  public static ConfidenceInterval overSubjects(
      double[] subjectMeans, double level, int resamples, long seed) {
    if (subjectMeans.length == 0 || resamples < 1 || !(level > 0 && level < 1)) {
      throw new IllegalArgumentException(
          "Cannot bootstrap %d subjects, %d times, at level %s"
              .formatted(subjectMeans.length, resamples, level));
    }
    Random random = new Random(seed);
    double[] means = new double[resamples];
    for (int r = 0; r < resamples; r++) {
      double sum = 0;
      for (int i = 0; i < subjectMeans.length; i++) {
        sum += subjectMeans[random.nextInt(subjectMeans.length)];
      }
      means[r] = sum / subjectMeans.length;
    }
    Arrays.sort(means);
    return new ConfidenceInterval(
        Arrays.stream(subjectMeans).average().orElseThrow(),
        percentile(means, (1 - level) / 2),
        percentile(means, (1 + level) / 2),
        level);
  }

  /** With linear interpolation between the two neighbouring ranks. */
  private static double percentile(double[] sorted, double share) {
    double rank = share * (sorted.length - 1);
    int below = (int) Math.floor(rank);
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (rank - below) * (sorted[above] - sorted[below]);
  }
}
