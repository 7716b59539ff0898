/**
 * Text to pictures: {@link io.github.tuneqdm.sampling.ImageSampler} walks a batch of mixed
 * subjects, prompts and seeds from noise to pictures. May import models, diffusion, image and text.
 */
package io.github.tuneqdm.sampling;
