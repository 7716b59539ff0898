/**
 * The networks, each readable top to bottom in one file: {@link io.github.tuneqdm.models.UNet},
 * {@link io.github.tuneqdm.models.AutoencoderKL}, {@link io.github.tuneqdm.models.ClipTextModel},
 * {@link io.github.tuneqdm.models.ClipModel}, {@link
 * io.github.tuneqdm.models.DinoVisionTransformer}; and the reading of HuggingFace-style folders.
 * Names are those of diffusers and transformers. May import nn, tensor, quant and storage.
 */
package io.github.tuneqdm.models;
