package io.github.tuneqdm.study;

/**
 * A row of {@code search.parquet}: a learning rate that was tried.
 *
 * @param fold of the subjects that the rate is for, from 0; 0 where there are no folds
 * @param score mean over the subjects that choose; missing where one of them failed
 * @param chosen whether the fold got this rate
 */
public record SearchRow(
    String cell, int fold, double learningRate, String runId, Double score, boolean chosen) {}
