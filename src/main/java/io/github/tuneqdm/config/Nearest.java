package io.github.tuneqdm.config;

import java.util.Comparator;
import java.util.List;

/** What a user who mistyped a name most likely meant. */
public final class Nearest {
  /** Nobody means more; the table would grow with what a stranger wrote. */
  private static final int LONGEST_COMPARED = 100;

  private Nearest() {}

  /** The candidate that takes the fewest edits to reach. */
  public static String of(String text, List<String> candidates) {
    String start = text.substring(0, Math.min(text.length(), LONGEST_COMPARED));
    return candidates.stream()
        .min(Comparator.comparingInt(candidate -> editDistance(start, candidate)))
        .orElseThrow();
  }

  /** Levenshtein distance, two rows of the table at a time. */
  private static int editDistance(String a, String b) {
    int[] previous = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      previous[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] current = new int[b.length() + 1];
      current[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substituted = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        current[j] = Math.min(substituted, 1 + Math.min(previous[j], current[j - 1]));
      }
      previous = current;
    }
    return previous[b.length()];
  }
}
