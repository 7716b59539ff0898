package io.github.tuneqdm.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.image.TrainingTransform;
import io.github.tuneqdm.models.AutoencoderKL;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.PhiloxRandom;
import java.util.ArrayList;
import java.util.List;

/**
 * A photo's VAE posteriors, kept on the host so that the VAE can leave memory before training; each
 * step draws a fresh latent from them.
 *
 * @param crops one for a square photo, several for one that is cut at random places
 */
record PhotoLatents(List<Posterior> crops) {
  /** Random crops cached for a photo that is not square. */
  private static final int RANDOM_CROPS = 4;

  /** Mean and standard deviation, each (Z, h, w) row-major, unscaled. */
  record Posterior(float[] mean, float[] std) {}

  /** A photo's training squares as pixel values (3, H, W); the part that the host does alone. */
  static List<float[]> squares(RgbImage photo, TuningSettings settings, PhiloxRandom.Draws random) {
    TrainingTransform transform = new TrainingTransform(settings.resolution());
    RgbImage resized = transform.resize(photo);
    int spareX = resized.width() - settings.resolution();
    int spareY = resized.height() - settings.resolution();
    boolean whole = settings.centerCrop() || (spareX == 0 && spareY == 0);
    List<float[]> squares = new ArrayList<>();
    for (int i = 0; i < (whole ? 1 : RANDOM_CROPS); i++) {
      RgbImage square =
          whole
              ? transform.centreCrop(resized)
              : transform.crop(resized, random.below(spareX + 1), random.below(spareY + 1));
      squares.add(transform.pixelValues(square));
    }
    return squares;
  }

  static PhotoLatents encode(
      Compute compute, AutoencoderKL vae, List<float[]> squares, int resolution) {
    return new PhotoLatents(
        squares.stream().map(pixels -> encode(compute, vae, pixels, resolution)).toList());
  }

  private static Posterior encode(
      Compute compute, AutoencoderKL vae, float[] pixels, int resolution) {
    try (NDManager scope = compute.scope()) {
      NDArray picture = Compute.floats(scope, pixels, 1, 3, resolution, resolution);
      AutoencoderKL.Posterior posterior = vae.encode(picture);
      return new Posterior(
          posterior.mean().toType(DataType.FLOAT32, false).toFloatArray(),
          posterior.std().toType(DataType.FLOAT32, false).toFloatArray());
    }
  }
}
