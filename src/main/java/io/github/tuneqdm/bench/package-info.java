/**
 * How fast, how large, how exact: {@link io.github.tuneqdm.bench.Bench} measures training, the
 * making of pictures, quantisation and scoring on the model of a folder or one with random weights
 * ({@link io.github.tuneqdm.bench.BenchModel}). Results are {@link io.github.tuneqdm.bench.BenchRow
 * rows} of a {@link io.github.tuneqdm.bench.BenchTable}.
 *
 * <p>May import tuning, sampling, scoring and everything below them, but not spark.
 */
package io.github.tuneqdm.bench;
