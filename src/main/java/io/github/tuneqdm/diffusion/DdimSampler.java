package io.github.tuneqdm.diffusion;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.error.TuneQdmException;

/**
 * DDIM (Song et al. 2020, equations 12 and 16).
 *
 * @param spacing how steps are spread over the training timesteps
 * @param stepsOffset added to each timestep of leading spacing
 * @param clipRange bound of the predicted clean sample, infinite for none
 * @param setAlphaToOne whether the last step ends at A = 1 (no noise) instead of A_0
 * @param eta share of ancestral noise, 0 (deterministic) to 1 (as DDPM)
 */
public record DdimSampler(
    NoiseSchedule schedule,
    TimestepSpacing spacing,
    int stepsOffset,
    double clipRange,
    boolean setAlphaToOne,
    double eta)
    implements Sampler {

  /** Checks that a caller-made description makes sense. */
  public DdimSampler {
    if (!(clipRange > 0)) {
      throw TuneQdmException.usage(
          "Cannot clip samples to " + clipRange + ": not a positive range");
    }
    if (!(eta >= 0 && eta <= 1)) {
      throw TuneQdmException.usage("Cannot sample with eta " + eta + ": it must lie in [0, 1]");
    }
  }

  static DdimSampler fromConfig(SchedulerConfig config) {
    config.requireFlag("thresholding", false);
    return new DdimSampler(
        NoiseSchedule.of(config),
        config.spacing(TimestepSpacing.LEADING),
        config.stepsOffset(),
        clipRange(config),
        config.flag("set_alpha_to_one", true),
        0);
  }

  static double clipRange(SchedulerConfig config) {
    double range = config.number("clip_sample_range", 1);
    if (!(range > 0)) {
      throw config.wrong("clip_sample_range", "must be positive");
    }
    return config.flag("clip_sample", true) ? range : Double.POSITIVE_INFINITY;
  }

  /** Refuses to divide by the signal scale where a zero-SNR schedule has none. */
  static void requireSignal(NoiseSchedule schedule, double[] timesteps) {
    if (schedule.predictionType() == PredictionType.EPSILON
        && schedule.alphaCumprod((int) timesteps[0]) == 0) {
      throw TuneQdmException.inputData(
          "Cannot sample from timestep "
              + (int) timesteps[0]
              + ": with rescale_betas_zero_snr it holds no signal, which an epsilon prediction"
              + " cannot recover (such models use prediction_type v_prediction)");
    }
  }

  /** The same sampler with another share of ancestral noise. */
  public DdimSampler withEta(double eta) {
    return new DdimSampler(schedule, spacing, stepsOffset, clipRange, setAlphaToOne, eta);
  }

  @Override
  public double[] timesteps(int steps) {
    TimestepSpacing.requireSteps(steps, schedule.trainTimesteps());
    return spacing.plain(steps, schedule.trainTimesteps(), stepsOffset);
  }

  @Override
  public SamplerRun start(int steps) {
    double[] timesteps = timesteps(steps);
    TimestepSpacing.requireUsable(timesteps, schedule.trainTimesteps());
    requireSignal(schedule, timesteps);
    return new Run(this, timesteps, schedule.trainTimesteps() / steps, new ClippedStep(clipRange));
  }

  private record Run(DdimSampler sampler, double[] timesteps, int stride, ClippedStep clippedStep)
      implements SamplerRun {

    @Override
    public double[] timesteps() {
      return timesteps.clone();
    }

    @Override
    public boolean needsNoise(int i) {
      return sampler.eta > 0;
    }

    @Override
    public NDArray step(NDArray modelOutput, int i, NDArray sample, NDArray noise) {
      NoiseSchedule schedule = sampler.schedule;
      int t = (int) timesteps[i];
      int before = t - stride;
      // float32 as in the tables, so that differences of close numbers cancel as in diffusers
      float alpha = schedule.alphaCumprod(t);
      float alphaBefore;
      if (before >= 0) {
        alphaBefore = schedule.alphaCumprod(before);
      } else {
        alphaBefore = sampler.setAlphaToOne ? 1 : schedule.alphaCumprod(0);
      }
      float rest = 1 - alpha;
      float variance = (1 - alphaBefore) / rest * (1 - alpha / alphaBefore);
      float deviation = (float) (sampler.eta * Math.sqrt(variance));
      double direction = Math.sqrt(Math.max(0, 1 - alphaBefore - deviation * deviation));
      Prediction prediction =
          Prediction.of(schedule.predictionType(), Math.sqrt(alpha), Math.sqrt(rest));
      return clippedStep.take(
          modelOutput,
          sample,
          noise,
          prediction,
          new ClippedStep.Weights(
              Math.sqrt(alphaBefore),
              direction * prediction.noiseFromSample(),
              direction * prediction.noiseFromOutput(),
              deviation));
    }

    @Override
    public void close() {
      clippedStep.close();
    }
  }
}
