package io.github.tuneqdm.spark;

/**
 * One optimiser step of one subject: a row of {@code steps.parquet}.
 *
 * @param step from 1
 * @param loss mean over the step's images, before clipping
 * @param gradNorm of the subject's scales, before clipping
 */
public record StepRecord(int step, double loss, double gradNorm, double learningRate) {}
