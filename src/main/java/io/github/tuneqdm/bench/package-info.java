/**
 * How fast and how large: {@link io.github.tuneqdm.bench.TrainBench} times training steps of many
 * subjects, {@link io.github.tuneqdm.bench.SampleBench} the making of pictures, on networks with
 * random weights ({@link io.github.tuneqdm.bench.RandomModel}) or those of a folder. Results are
 * {@link io.github.tuneqdm.bench.BenchRow rows} of a {@link io.github.tuneqdm.bench.BenchTable}.
 *
 * <p>May import tuning, sampling and everything below them, but not spark.
 */
package io.github.tuneqdm.bench;
