package io.github.tuneqdm.diffusion;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.diffusion.LatentMath.Term;
import io.github.tuneqdm.error.TuneQdmException;
import java.util.Arrays;

/**
 * Pseudo numerical methods (Liu et al. 2022): linear multistep of order four, warmed up by
 * Runge-Kutta steps or, as Stable Diffusion does, by lower orders with the second call repeated.
 *
 * @param spacing how steps are spread over the training timesteps
 * @param stepsOffset added to each timestep of leading spacing
 * @param setAlphaToOne whether the last step ends at A = 1 (no noise) instead of A_0
 * @param skipPrkSteps whether the Runge-Kutta warm-up (four calls for each of three steps) is left
 *     out
 */
public record PndmSampler(
    NoiseSchedule schedule,
    TimestepSpacing spacing,
    int stepsOffset,
    boolean setAlphaToOne,
    boolean skipPrkSteps)
    implements Sampler {

  private static final int ORDER = 4;
  private static final int WARM_UP_CALLS = 12;

  /** Adams-Bashforth weights, newest first, by the number of outputs at hand. */
  private static final double[][] MULTISTEP = {
    {},
    {1},
    {3 / 2.0, -1 / 2.0},
    {23 / 12.0, -16 / 12.0, 5 / 12.0},
    {55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0}
  };

  private static final double[] RUNGE_KUTTA = {1 / 6.0, 1 / 3.0, 1 / 3.0, 1 / 6.0};

  static PndmSampler fromConfig(SchedulerConfig config) {
    config.requireFlag("rescale_betas_zero_snr", false);
    NoiseSchedule schedule = NoiseSchedule.of(config);
    if (schedule.predictionType() == PredictionType.SAMPLE) {
      throw config.wrong("prediction_type", "PNDM takes epsilon or v_prediction");
    }
    return new PndmSampler(
        schedule,
        config.spacing(TimestepSpacing.LEADING),
        config.stepsOffset(),
        config.flag("set_alpha_to_one", false),
        config.flag("skip_prk_steps", false));
  }

  @Override
  public double[] timesteps(int steps) {
    double[] grid = grid(steps);
    if (skipPrkSteps) {
      return withSecondRepeated(grid);
    }
    double[] warmUp = warmUp(grid, schedule.trainTimesteps() / steps / 2);
    double[] timesteps = Arrays.copyOf(warmUp, warmUp.length + grid.length - 3);
    System.arraycopy(grid, 3, timesteps, warmUp.length, grid.length - 3);
    return timesteps;
  }

  private double[] grid(int steps) {
    TimestepSpacing.requireSteps(steps, schedule.trainTimesteps());
    if (!skipPrkSteps && steps < ORDER) {
      throw TuneQdmException.usage(
          "Cannot sample in " + steps + " steps: PNDM with skip_prk_steps false needs at least 4");
    }
    return spacing.plain(steps, schedule.trainTimesteps(), stepsOffset);
  }

  @Override
  public SamplerRun start(int steps) {
    TimestepSpacing.requireUsable(grid(steps), schedule.trainTimesteps());
    int stride = schedule.trainTimesteps() / steps;
    return new Run(this, timesteps(steps), skipPrkSteps ? 0 : WARM_UP_CALLS, stride);
  }

  private static double[] withSecondRepeated(double[] grid) {
    if (grid.length == 1) {
      return grid;
    }
    double[] timesteps = new double[grid.length + 1];
    timesteps[0] = grid[0];
    System.arraycopy(grid, 1, timesteps, 1, 1);
    System.arraycopy(grid, 1, timesteps, 2, grid.length - 1);
    return timesteps;
  }

  /** Per step: its start, the middle twice, its end; three steps from the noisiest timestep. */
  private static double[] warmUp(double[] grid, int half) {
    double[] timesteps = new double[WARM_UP_CALLS];
    for (int step = 0; step < 3; step++) {
      double middle = grid[step + 1] + half;
      timesteps[4 * step] = grid[step];
      timesteps[4 * step + 1] = middle;
      timesteps[4 * step + 2] = middle;
      timesteps[4 * step + 3] = grid[step + 1];
    }
    return timesteps;
  }

  private static final class Run implements SamplerRun {
    private final PndmSampler sampler;
    private final double[] timesteps;
    private final int warmUpCalls;
    private final int stride;
    private final StepOrder order;
    private final History outputs = new History(ORDER);
    private final History kuttaOutputs = new History(RUNGE_KUTTA.length);
    private final History startSample = new History(1);

    Run(PndmSampler sampler, double[] timesteps, int warmUpCalls, int stride) {
      this.sampler = sampler;
      this.timesteps = timesteps;
      this.warmUpCalls = warmUpCalls;
      this.stride = stride;
      this.order = new StepOrder(timesteps.length);
    }

    @Override
    public double[] timesteps() {
      return timesteps.clone();
    }

    @Override
    public NDArray step(NDArray modelOutput, int i, NDArray sample, NDArray noise) {
      order.take(i);
      return i < warmUpCalls
          ? rungeKutta(modelOutput, i, sample)
          : multistep(modelOutput, i, sample);
    }

    /**
     * Calls 0 to 2 try a slope each from the step's start; call 3 takes the step with their mean.
     */
    private NDArray rungeKutta(NDArray modelOutput, int i, NDArray sample) {
      int call = i % 4;
      int from = (int) timesteps[i - call];
      int to = (int) timesteps[i] - (call % 2 == 0 ? stride / 2 : 0);
      if (call == 0) {
        outputs.addCopy(modelOutput, sample);
        startSample.addCopy(sample, sample);
        kuttaOutputs.clear();
      }
      NDArray start = startSample.get(0);
      if (call < 3) {
        kuttaOutputs.addCopy(modelOutput, sample);
        return transfer(sample, start, from, to, new Term(1, modelOutput));
      }
      return transfer(
          sample,
          start,
          from,
          to,
          new Term(RUNGE_KUTTA[0], kuttaOutputs.get(2)),
          new Term(RUNGE_KUTTA[1], kuttaOutputs.get(1)),
          new Term(RUNGE_KUTTA[2], kuttaOutputs.get(0)),
          new Term(RUNGE_KUTTA[3], modelOutput));
    }

    private NDArray multistep(NDArray modelOutput, int i, NDArray sample) {
      int t = (int) timesteps[i];
      boolean firstOfAll = i == 0;
      boolean repeated = i == 1;
      if (repeated) {
        // The first step again, from where it began, with the mean of the slopes at both its ends
        return transfer(
            sample,
            startSample.get(0),
            t + stride,
            t,
            new Term(0.5, outputs.get(0)),
            new Term(0.5, modelOutput));
      }
      outputs.addCopy(modelOutput, sample);
      if (firstOfAll) {
        startSample.addCopy(sample, sample);
      }
      double[] weights = MULTISTEP[outputs.size()];
      Term[] slope = new Term[weights.length];
      for (int k = 0; k < slope.length; k++) {
        slope[k] = new Term(weights[k], outputs.get(k));
      }
      return transfer(sample, sample, t, t - stride, slope);
    }

    /**
     * From x at t to t - d along the slope e (equation 11 of the paper), with {@code x' = x
     * sqrt(A'/A) - e (A' - A) / (A sqrt(1 - A') + sqrt(A (1 - A) A'))}.
     */
    private NDArray transfer(NDArray sample, NDArray x, int from, int to, Term... slope) {
      // float32 as in the tables, so that differences of close numbers cancel as in diffusers
      float alpha = sampler.schedule.alphaCumprod(from);
      float alphaTo;
      if (to >= 0) {
        alphaTo = sampler.schedule.alphaCumprod(to);
      } else {
        alphaTo = sampler.setAlphaToOne ? 1 : sampler.schedule.alphaCumprod(0);
      }
      float rest = 1 - alpha;
      double ownFactor = Math.sqrt(alphaTo / alpha);
      double slopeFactor =
          -(alphaTo - alpha) / (alpha * Math.sqrt(1 - alphaTo) + Math.sqrt(alpha * rest * alphaTo));
      Prediction prediction =
          Prediction.of(sampler.schedule.predictionType(), Math.sqrt(alpha), Math.sqrt(rest));
      Term[] terms = new Term[slope.length + 1];
      terms[0] = new Term(ownFactor + slopeFactor * prediction.noiseFromSample(), x);
      for (int k = 0; k < slope.length; k++) {
        terms[k + 1] =
            new Term(
                slopeFactor * prediction.noiseFromOutput() * slope[k].factor(), slope[k].array());
      }
      return LatentMath.next(sample, terms);
    }

    @Override
    public void close() {
      outputs.close();
      kuttaOutputs.close();
      startSample.close();
    }
  }
}
