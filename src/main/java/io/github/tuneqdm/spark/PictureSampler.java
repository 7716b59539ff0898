package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.image.RgbImage;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Makes pictures of prompts: the seam between {@link EvaluateJob} and the tensor engine. */
public interface PictureSampler extends AutoCloseable {
  /**
   * One picture to make.
   *
   * @param deltas local file with a subject's scales; empty for the base as it is
   * @param seed of the start latent, as PyTorch's CPU generator has it
   */
  record Request(Optional<Path> deltas, String prompt, long seed) {}

  /** Pictures in the requests' order, sampled as one batch. */
  List<RgbImage> sample(List<Request> batch);

  @Override
  void close();

  /** Opens the engine in the JVM of the task that needs it. */
  @FunctionalInterface
  interface Factory extends Serializable {
    PictureSampler open(Setting setting);
  }

  /**
   * @param baseModel local folder of the base model
   * @param quantizedBase local folder of the quantised UNet; empty for the base model's own
   * @param gpu index of the GPU to use, if Spark gave one
   */
  record Setting(
      TuneQdmConfig config, Path baseModel, Optional<Path> quantizedBase, OptionalInt gpu) {}
}
