package io.github.tuneqdm.study;

/**
 * A row of {@code speed.parquet}: what differs from machine to machine and from time to time, and
 * so is kept apart from the results.
 *
 * @param stepsPerSecond subject-steps a second of the batch that the subject trained in
 * @param peakBytes the most that this batch's training held of the GPU's memory
 * @param wallSeconds from the run's start to its scores, when it was last trained
 */
public record SpeedRow(
    String cell,
    double learningRate,
    long seed,
    String subject,
    String runId,
    Double stepsPerSecond,
    Long peakBytes,
    Double wallSeconds) {}
