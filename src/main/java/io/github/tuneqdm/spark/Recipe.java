package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.models.LowRank;
import io.github.tuneqdm.models.LrWeights;
import io.github.tuneqdm.models.Parametrization;
import io.github.tuneqdm.sampling.SamplingSettings;
import io.github.tuneqdm.tuning.AdamWSettings;
import io.github.tuneqdm.tuning.LearningRateSchedule;
import io.github.tuneqdm.tuning.TuningMethod;
import io.github.tuneqdm.tuning.TuningSettings;
import java.util.Optional;

/** The engine's settings as the configuration has them. */
final class Recipe {
  private Recipe() {}

  static TuningSettings tuning(TuneQdmConfig config) {
    return new TuningSettings(
        config.tuningExperts(),
        config.tuningTrainDeltaIn() && method(config) != TuningMethod.PEQA,
        Parametrization.parse(config.tuningParametrization()),
        new LrWeights(
            config.tuningLrWeightDown(), config.tuningLrWeightMid(), config.tuningLrWeightUp()),
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

  static TuningMethod method(TuneQdmConfig config) {
    return TuningMethod.parse(config.tuningMethod());
  }

  /** What is added to weights; nothing for methods that add nothing. */
  static Optional<LowRank> lowRank(TuneQdmConfig config) {
    return switch (method(config)) {
      case LORA, QLORA ->
          Optional.of(new LowRank(config.tuningLoraRank(), config.tuningLoraAlpha()));
      default -> Optional.empty();
    };
  }

  /** The method as tables and reports call it; see {@link Methods}. */
  static String shownMethod(TuneQdmConfig config) {
    return switch (method(config)) {
      case UNTUNED -> Methods.UNTUNED;
      case PTQ -> Methods.QUANTISED_UNTUNED;
      case DREAMBOOTH -> Methods.DREAMBOOTH;
      case LORA -> Methods.LORA + config.tuningLoraRank();
      case QLORA -> Methods.QLORA + config.tuningLoraRank();
      case PEQA -> Methods.PEQA;
      case TUNEQDM -> Methods.TUNED;
    };
  }

  static SamplingSettings sampling(TuneQdmConfig config) {
    return new SamplingSettings(
        config.evaluateSampler(),
        config.evaluateSteps(),
        config.evaluateGuidance(),
        config.dataResolution());
  }
}
