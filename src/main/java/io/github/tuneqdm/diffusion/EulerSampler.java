package io.github.tuneqdm.diffusion;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.diffusion.LatentMath.Term;
import java.util.List;

/**
 * Euler's method on {@code dx/dsigma = (x - x0) / sigma}, x scaled by {@code 1 / sqrt(A)} (Karras
 * et al. 2022, algorithm 2 without churn).
 *
 * @param spacing how steps are spread over the training timesteps
 * @param stepsOffset added to each timestep of leading spacing
 * @param karras whether the noise levels are Karras levels between the spaced ones' ends
 * @param finalSigma the level it ends on
 */
public record EulerSampler(
    NoiseSchedule schedule,
    TimestepSpacing spacing,
    int stepsOffset,
    boolean karras,
    FinalSigma finalSigma)
    implements Sampler {

  static EulerSampler fromConfig(SchedulerConfig config) {
    config.requireFlag("use_exponential_sigmas", false);
    config.requireFlag("use_beta_sigmas", false);
    config.requireUnset("sigma_min", "sigma_max");
    config.text("interpolation_type", "linear", "linear");
    config.text("timestep_type", "discrete", "discrete");
    return new EulerSampler(
        NoiseSchedule.of(config),
        config.spacing(TimestepSpacing.LINSPACE),
        config.stepsOffset(),
        config.flag("use_karras_sigmas", false),
        config.choice(
            "final_sigmas_type",
            FinalSigma.ZERO,
            List.of(FinalSigma.values()),
            FinalSigma::configName));
  }

  @Override
  public double[] timesteps(int steps) {
    return plan(steps).timesteps();
  }

  @Override
  public SamplerRun start(int steps) {
    SigmaSteps plan = plan(steps).usable(schedule.trainTimesteps());
    float max = plan.sigmas()[0];
    // Leading spacing starts below the noisiest level, where x still holds signal of variance one
    float start = spacing == TimestepSpacing.LEADING ? TorchMath.sqrt(max * max + 1) : max;
    return new Run(schedule.predictionType(), plan, start);
  }

  private SigmaSteps plan(int steps) {
    TimestepSpacing.requireSteps(steps, schedule.trainTimesteps());
    SigmaTable table = new SigmaTable(schedule);
    double[] timesteps = spacing.continuous(steps, schedule.trainTimesteps(), stepsOffset);
    double[] levels = table.at(timesteps);
    if (karras) {
      levels = SigmaTable.karras(levels[0], levels[steps - 1], steps);
      timesteps = table.timestepsOf(levels);
      for (int i = 0; i < steps; i++) {
        timesteps[i] = (float) timesteps[i];
      }
    }
    return SigmaSteps.of(timesteps, levels, finalSigma.of(table));
  }

  private record Run(PredictionType predictionType, SigmaSteps plan, double initNoiseSigma)
      implements SamplerRun {

    @Override
    public double[] timesteps() {
      return plan.timesteps().clone();
    }

    @Override
    public float[] sigmas() {
      return plan.sigmas().clone();
    }

    @Override
    public NDArray scaleModelInput(NDArray sample, int i) {
      return LatentMath.next(sample, new Term(plan.signal(i), sample));
    }

    /** {@code x' = x + (sigma' - sigma) (x - x0) / sigma}, x0 replaced by what predicts it. */
    @Override
    public NDArray step(NDArray modelOutput, int i, NDArray sample, NDArray noise) {
      double sigma = plan.sigmas()[i];
      double change = plan.sigmas()[i + 1] - plan.sigmas()[i];
      double square = sigma * sigma + 1;
      double own =
          switch (predictionType) {
            case EPSILON -> 1;
            case SAMPLE -> 1 + change / sigma;
            case V_PREDICTION -> 1 + change * sigma / square;
          };
      double output =
          switch (predictionType) {
            case EPSILON -> change;
            case SAMPLE -> -change / sigma;
            case V_PREDICTION -> change / Math.sqrt(square);
          };
      return LatentMath.next(sample, new Term(own, sample), new Term(output, modelOutput));
    }

    @Override
    public void close() {
      // It holds no tensors
    }
  }
}
