/**
 * Scores of generated pictures, as pure arithmetic on embeddings and rows: no model runs here.
 *
 * <p>Start at {@link io.github.tuneqdm.metrics.Similarity} (DINO, CLIP-I, CLIP-T), {@link
 * io.github.tuneqdm.metrics.EvaluationProtocol} (what was measured, and how) and {@link
 * io.github.tuneqdm.metrics.ScoreTable} (the means that every output shows). The metrics of
 * unconditional models are {@link io.github.tuneqdm.metrics.FrechetDistance}, {@link
 * io.github.tuneqdm.metrics.KernelDistance} and {@link io.github.tuneqdm.metrics.InceptionScore}.
 *
 * <p>May import the JDK, Jackson, commons-math3 and {@code error}.
 */
package io.github.tuneqdm.metrics;
