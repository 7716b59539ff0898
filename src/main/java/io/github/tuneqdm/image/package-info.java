/**
 * Pictures: reading photos, resizing them exactly as Pillow does, the preprocessing of CLIP, DINO
 * and the trainer, and writing PNG.
 *
 * <p>Start with {@link io.github.tuneqdm.image.RgbImage}, then {@link
 * io.github.tuneqdm.image.ImageReader} and {@link io.github.tuneqdm.image.ImagePreprocessor}.
 * Imports the JDK, Jackson and {@code error} only.
 */
package io.github.tuneqdm.image;
