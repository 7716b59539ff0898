package io.github.tuneqdm.metrics;

import java.util.Comparator;
import java.util.List;

/** Names of what makes images, and the order in which they are shown: baselines first. */
public final class Methods {
  public static final String UNTUNED = "un-tuned";
  public static final String QUANTISED_UNTUNED = "quantised un-tuned";
  public static final String TUNED = "tuned";

  /** The known methods in their order, then any other by name. */
  public static final Comparator<String> ORDER =
      Comparator.comparingInt(Methods::rank).thenComparing(Comparator.naturalOrder());

  private static final List<String> KNOWN = List.of(UNTUNED, QUANTISED_UNTUNED, TUNED);

  private Methods() {}

  private static int rank(String method) {
    int index = KNOWN.indexOf(method);
    return index < 0 ? KNOWN.size() : index;
  }
}
