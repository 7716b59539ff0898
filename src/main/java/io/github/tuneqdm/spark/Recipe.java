package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.models.Parametrization;
import io.github.tuneqdm.sampling.SamplingSettings;
import io.github.tuneqdm.tuning.AdamWSettings;
import io.github.tuneqdm.tuning.LearningRateSchedule;
import io.github.tuneqdm.tuning.TuningSettings;

/** The engine's settings as the configuration has them. */
final class Recipe {
  private Recipe() {}

  static TuningSettings tuning(TuneQdmConfig config) {
    return new TuningSettings(
        config.tuningExperts(),
        config.tuningTrainDeltaIn(),
        Parametrization.parse(config.tuningParametrization()),
        config.tuningSteps(),
        config.tuningBatchSize(),
        config.tuningGradientAccumulation(),
        config.tuningLearningRate(),
        LearningRateSchedule.parse(config.tuningLrSchedule()),
        config.tuningWarmupSteps(),
        new AdamWSettings(
            config.tuningBeta1(),
            config.tuningBeta2(),
            config.tuningEpsilon(),
            config.tuningWeightDecay(),
            config.tuningMaxGradNorm()),
        config.tuningSnrGamma(),
        config.tuningNoiseOffset(),
        config.dataResolution(),
        config.dataCenterCrop(),
        config.tuningPriorPreservationWeight(),
        config.tuningSeed());
  }

  static SamplingSettings sampling(TuneQdmConfig config) {
    return new SamplingSettings(
        config.evaluateSampler(),
        config.evaluateSteps(),
        config.evaluateGuidance(),
        config.dataResolution());
  }
}
