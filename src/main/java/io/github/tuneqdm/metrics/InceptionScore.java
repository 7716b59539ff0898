package io.github.tuneqdm.metrics;

/**
 * Inception Score (Salimans et al. 2016): {@code exp(mean_n KL(p(y | x_n) || p(y)))}, with p(y) the
 * mean of p(y | x_n) over the split's own images.
 */
public final class InceptionScore {
  private InceptionScore() {}

  /**
   * @param logits (N, C) of the classifier, before the softmax, in sampling order
   * @param splits consecutive parts, each with a score of its own; at most N
   */
  public static Spread of(float[][] logits, int splits) {
    int classes = Embeddings.requireUsable(logits, "images");
    if (splits < 1 || splits > logits.length) {
      throw new IllegalArgumentException(
          "Cannot split %d images into %d parts".formatted(logits.length, splits));
    }
    double[] scores = new double[splits];
    for (int s = 0; s < splits; s++) {
      int from = (int) ((long) s * logits.length / splits);
      int to = (int) ((long) (s + 1) * logits.length / splits);
      scores[s] = score(logits, from, to, classes);
    }
    return Spread.of(scores);
  }

  private static double score(float[][] logits, int from, int to, int classes) {
    double[] marginal = new double[classes];
    double negativeEntropy = 0; // sum over n and c of p log p
    for (int n = from; n < to; n++) {
      double[] logP = logSoftmax(logits[n]);
      for (int c = 0; c < classes; c++) {
        double p = Math.exp(logP[c]);
        marginal[c] += p;
        negativeEntropy += p * logP[c];
      }
    }
    int count = to - from;
    double crossEntropy = 0; // sum over c of p(c) log p(c), the same for every image
    for (double mass : marginal) {
      double p = mass / count;
      crossEntropy += p > 0 ? p * Math.log(p) : 0;
    }
    return Math.exp(negativeEntropy / count - crossEntropy);
  }

  private static double[] logSoftmax(float[] row) {
    double max = Double.NEGATIVE_INFINITY;
    for (float value : row) {
      max = Math.max(max, value);
    }
    double sum = 0;
    for (float value : row) {
      sum += Math.exp(value - max);
    }
    double shift = max + Math.log(sum);
    double[] logP = new double[row.length];
    for (int c = 0; c < row.length; c++) {
      logP[c] = row[c] - shift;
    }
    return logP;
  }
}
