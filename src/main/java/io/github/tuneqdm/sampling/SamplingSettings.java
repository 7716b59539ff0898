package io.github.tuneqdm.sampling;

/**
 * How pictures are made.
 *
 * @param sampler a name that {@link io.github.tuneqdm.diffusion.Samplers#named} knows
 * @param guidance classifier-free guidance scale; 1 or less samples without
 * @param resolution side of the square picture in pixels
 */
public record SamplingSettings(String sampler, int steps, double guidance, int resolution) {}
