package io.github.tuneqdm.diffusion;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.error.TuneQdmException;
import java.util.List;

/**
 * Ancestral sampling (Ho et al. 2020, equation 7).
 *
 * @param spacing how steps are spread over the training timesteps
 * @param stepsOffset added to each timestep of leading spacing
 * @param clipRange bound of the predicted clean sample, infinite for none
 * @param variance of the noise added in each step
 */
public record DdpmSampler(
    NoiseSchedule schedule,
    TimestepSpacing spacing,
    int stepsOffset,
    double clipRange,
    Variance variance)
    implements Sampler {

  /** The two ends of the variance of q(x_{t-1} | x_t, x_0). */
  public enum Variance {
    /** beta_t (1 - A_{t-1}) / (1 - A_t). */
    FIXED_SMALL("fixed_small"),
    /** The same; diffusers takes its square root through a logarithm. */
    FIXED_SMALL_LOG("fixed_small_log"),
    /** beta_t. */
    FIXED_LARGE("fixed_large");

    private final String configName;

    Variance(String configName) {
      this.configName = configName;
    }

    String configName() {
      return configName;
    }
  }

  private static final double MIN_VARIANCE = 1e-20;

  /** Checks that a caller-made description makes sense. */
  public DdpmSampler {
    if (!(clipRange > 0)) {
      throw TuneQdmException.usage(
          "Cannot clip samples to " + clipRange + ": not a positive range");
    }
  }

  static DdpmSampler fromConfig(SchedulerConfig config) {
    config.requireFlag("thresholding", false);
    return new DdpmSampler(
        NoiseSchedule.of(config),
        config.spacing(TimestepSpacing.LEADING),
        config.stepsOffset(),
        DdimSampler.clipRange(config),
        config.choice(
            "variance_type",
            Variance.FIXED_SMALL,
            List.of(Variance.values()),
            Variance::configName));
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
    DdimSampler.requireSignal(schedule, timesteps);
    return new Run(this, timesteps, new ClippedStep(clipRange));
  }

  private record Run(DdpmSampler sampler, double[] timesteps, ClippedStep clippedStep)
      implements SamplerRun {

    @Override
    public double[] timesteps() {
      return timesteps.clone();
    }

    @Override
    public boolean needsNoise(int i) {
      return timesteps[i] > 0;
    }

    @Override
    public NDArray step(NDArray modelOutput, int i, NDArray sample, NDArray noise) {
      NoiseSchedule schedule = sampler.schedule;
      int t = (int) timesteps[i];
      // float32 as in the tables, so that differences of close numbers cancel as in diffusers
      float alpha = schedule.alphaCumprod(t);
      float alphaBefore =
          i + 1 < timesteps.length ? schedule.alphaCumprod((int) timesteps[i + 1]) : 1;
      float rest = 1 - alpha;
      float restBefore = 1 - alphaBefore;
      float stepAlpha = alpha / alphaBefore;
      float stepBeta = 1 - stepAlpha;
      double clean = Math.sqrt(alphaBefore) * stepBeta / rest;
      double own = Math.sqrt(stepAlpha) * restBefore / rest;
      double variance =
          sampler.variance == Variance.FIXED_LARGE
              ? stepBeta
              : Math.max(restBefore / rest * stepBeta, MIN_VARIANCE);
      return clippedStep.take(
          modelOutput,
          sample,
          noise,
          Prediction.of(schedule.predictionType(), Math.sqrt(alpha), Math.sqrt(rest)),
          new ClippedStep.Weights(clean, own, 0, needsNoise(i) ? Math.sqrt(variance) : 0));
    }

    @Override
    public void close() {
      clippedStep.close();
    }
  }
}
