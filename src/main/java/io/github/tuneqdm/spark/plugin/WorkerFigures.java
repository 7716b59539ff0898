package io.github.tuneqdm.spark.plugin;

import java.io.Serializable;

/**
 * What one JVM has done since its application started, and what it is doing now.
 *
 * @param executor its id
 * @param subjectSteps optimiser steps, counted for each subject
 * @param stepsPerSecond subject-steps a second of the batches that are training now
 * @param meanLoss of the batches that are training now, else of the last that did; NaN before that
 * @param gpuBytes in use on this executor's GPUs, by everybody, when a batch last reported
 */
record WorkerFigures(
    String executor,
    long subjectsDone,
    long subjectsFailed,
    long subjectSteps,
    double stepsPerSecond,
    double meanLoss,
    long gpuBytes,
    long cacheHits,
    long cacheMisses)
    implements Serializable {}
