package io.github.tuneqdm.metrics;

import java.util.List;
import java.util.stream.DoubleStream;

/**
 * Values of repeated estimates with their mean and both usual standard deviations.
 *
 * @param populationDeviation normalised by n
 * @param sampleDeviation normalised by n - 1; NaN for a single value
 */
public record Spread(
    List<Double> values, double mean, double populationDeviation, double sampleDeviation) {
  public Spread {
    values = List.copyOf(values);
  }

  /**
   * @param values at least one
   */
  public static Spread of(double... values) {
    double mean = DoubleStream.of(values).average().orElseThrow();
    double squares = DoubleStream.of(values).map(v -> (v - mean) * (v - mean)).sum();
    return new Spread(
        DoubleStream.of(values).boxed().toList(),
        mean,
        Math.sqrt(squares / values.length),
        values.length == 1 ? Double.NaN : Math.sqrt(squares / (values.length - 1)));
  }
}
