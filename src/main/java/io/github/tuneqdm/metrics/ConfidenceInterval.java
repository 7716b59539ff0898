package io.github.tuneqdm.metrics;

/**
 * @param level the coverage aimed at, such as 0.95
 */
public record ConfidenceInterval(double mean, double low, double high, double level) {
  /** Whether a value lies outside of the interval. */
  public boolean excludes(double value) {
    return value < low || value > high;
  }
}
