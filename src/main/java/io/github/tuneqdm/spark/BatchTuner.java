package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;

/** Trains subjects together against one quantised base: the seam between jobs and tensor engine. */
public interface BatchTuner extends AutoCloseable {
  /**
   * Trains every subject for the configured number of steps. A subject that fails is returned as
   * such and does not change what the others become.
   *
   * @return one result a subject, in their order
   */
  List<TunedSubject> tune(List<SubjectPhotos> subjects, StepListener listener);

  @Override
  void close();

  /** Hears of each step while training goes on. */
  @FunctionalInterface
  interface StepListener {
    /**
     * @param step from 1
     * @param meanLoss over the subjects
     */
    void stepped(int step, double meanLoss);
  }

  /** Opens the engine in the JVM of the task that needs it. */
  @FunctionalInterface
  interface Factory extends Serializable {
    BatchTuner open(Setting setting);
  }

  /**
   * @param baseModel local folder of the base model: VAE, text encoder, tokenizer, scheduler
   * @param quantizedBase local folder of the quantised UNet
   * @param gpu index of the GPU to use, if Spark gave one
   */
  record Setting(TuneQdmConfig config, Path baseModel, Path quantizedBase, OptionalInt gpu) {}
}
