package io.github.tuneqdm.sampling;

/**
 * One picture to make.
 *
 * @param subject index of the subject among those the denoiser was opened with; 0 for a plain base
 * @param seed gives the start latent that PyTorch's CPU generator gives for it
 */
public record SampleRequest(int subject, String prompt, long seed) {}
