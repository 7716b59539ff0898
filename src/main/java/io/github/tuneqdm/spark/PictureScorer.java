package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.image.RgbImage;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;

/** Embeds pictures and texts for scores. N inputs, D features of the encoder. */
public interface PictureScorer extends AutoCloseable {
  /** (N, D) in DINO's space. */
  float[][] dino(List<RgbImage> pictures);

  /** (N, D) in CLIP's space. */
  float[][] clipImage(List<RgbImage> pictures);

  /** (N, D) in CLIP's space. */
  float[][] clipText(List<String> texts);

  @Override
  void close();

  /** Opens the encoders in the JVM of the task that needs them. */
  @FunctionalInterface
  interface Factory extends Serializable {
    PictureScorer open(Setting setting);
  }

  /**
   * @param dino local folder of the ViT
   * @param clip local folder of the CLIP model
   * @param gpu index of the GPU to use, if Spark gave one
   */
  record Setting(TuneQdmConfig config, Path dino, Path clip, OptionalInt gpu) {}
}
