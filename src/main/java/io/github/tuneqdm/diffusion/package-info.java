/**
 * The diffusion process: noise tables, samplers and guidance, with diffusers' numbers.
 *
 * <p>Start at {@link io.github.tuneqdm.diffusion.Samplers}, which turns a scheduler_config.json
 * into a {@link io.github.tuneqdm.diffusion.Sampler}; training starts at {@link
 * io.github.tuneqdm.diffusion.NoiseSchedule}. Imports DJL arrays, Jackson and the error package;
 * knows nothing of networks, storage or Spark.
 */
package io.github.tuneqdm.diffusion;
