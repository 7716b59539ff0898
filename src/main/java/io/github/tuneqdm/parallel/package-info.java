/**
 * Host work beside the device's: {@link io.github.tuneqdm.parallel.Ahead} prepares what comes next,
 * {@link io.github.tuneqdm.parallel.Background} finishes what came before. Neither changes a
 * result, its order or its failures. Imports nothing of ours.
 */
package io.github.tuneqdm.parallel;
