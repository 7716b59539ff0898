package io.github.tuneqdm.metrics;

/**
 * @param level the coverage aimed at, such as 0.95
 */
public record ConfidenceInterval(double mean, double low, double high, double level) {}
