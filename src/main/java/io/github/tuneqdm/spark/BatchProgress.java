package io.github.tuneqdm.spark;

import java.io.Serializable;

/** How far a batch of subjects has come. */
record BatchProgress(int batch, int step, double meanLoss) implements Serializable {}
