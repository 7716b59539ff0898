package io.github.tuneqdm.study;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.Metric;
import io.github.tuneqdm.metrics.Scores;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** What learning rates are compared by: a sum of metrics, such as {@code dino + clip-t}. */
public record RateScore(List<Metric> terms) {
  public RateScore {
    terms = List.copyOf(terms);
  }

  /**
   * @throws TuneQdmException (usage) for anything but names of metrics with {@code +} between them
   */
  public static RateScore parse(String text) {
    List<Metric> terms = new ArrayList<>();
    for (String term : text.split("\\+", -1)) {
      terms.add(
          Arrays.stream(Metric.values())
              .filter(metric -> name(metric).equals(term.strip().toLowerCase(Locale.ROOT)))
              .findFirst()
              .orElseThrow(() -> refused(text)));
    }
    return new RateScore(terms);
  }

  private static TuneQdmException refused(String text) {
    return TuneQdmException.usage(
        "Cannot use tuneqdm.study.search.score = \"%s\": it must be a sum of %s, such as dino + clip-t"
            .formatted(
                text,
                Arrays.stream(Metric.values())
                    .map(RateScore::name)
                    .collect(Collectors.joining(", "))));
  }

  public double of(Scores scores) {
    return terms.stream().mapToDouble(metric -> metric.of(scores)).sum();
  }

  private static String name(Metric metric) {
    return metric.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  @Override
  public String toString() {
    return terms.stream().map(RateScore::name).collect(Collectors.joining(" + "));
  }
}
