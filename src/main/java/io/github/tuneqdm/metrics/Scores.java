package io.github.tuneqdm.metrics;

import java.util.Collection;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** DINO, CLIP-I and CLIP-T of an image or of a group of images: cosines, higher is better. */
public record Scores(double dino, double clipI, double clipT) {
  /** Three decimals, wherever a score is shown: the terminal and the report agree to the digit. */
  public static String format(double score) {
    String text = String.format(Locale.ROOT, "%.3f", score);
    return text.equals("-0.000") ? "0.000" : text;
  }

  /**
   * @param parts at least one
   */
  static Scores mean(Collection<Scores> parts) {
    return new Scores(
        mean(parts, Scores::dino), mean(parts, Scores::clipI), mean(parts, Scores::clipT));
  }

  private static double mean(Collection<Scores> parts, ToDoubleFunction<Scores> score) {
    return parts.stream().mapToDouble(score).average().orElseThrow();
  }
}
