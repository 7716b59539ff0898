package io.github.tuneqdm.diffusion;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.diffusion.LatentMath.Term;
import io.github.tuneqdm.error.TuneQdmException;
import java.util.List;

/**
 * DPM-Solver++ in its multistep, midpoint form (Lu et al. 2022b, algorithm 2), order one or two.
 *
 * @param spacing how steps are spread over the training timesteps, unless Karras levels are used
 * @param stepsOffset added to each timestep of leading spacing
 * @param karras whether the noise levels are those of Karras et al. 2022
 * @param roundTimesteps whether the timesteps of Karras levels are rounded
 * @param order 1 or 2
 * @param lowerOrderFinal whether fewer than 15 steps end with one of order one
 * @param eulerAtFinal whether any run does
 * @param finalSigma the level it ends on
 * @param minLambda noise levels whose {@code log(sqrt(A)/sqrt(1-A))} lies below it are left out
 */
public record DpmSolverSampler(
    NoiseSchedule schedule,
    TimestepSpacing spacing,
    int stepsOffset,
    boolean karras,
    boolean roundTimesteps,
    int order,
    boolean lowerOrderFinal,
    boolean eulerAtFinal,
    FinalSigma finalSigma,
    double minLambda)
    implements Sampler {

  private static final int FEW_STEPS = 15;

  static DpmSolverSampler fromConfig(SchedulerConfig config) {
    config.requireFlag("thresholding", false);
    config.requireFlag("use_exponential_sigmas", false);
    config.requireFlag("use_beta_sigmas", false);
    config.requireFlag("use_lu_lambdas", false);
    config.requireFlag("use_flow_sigmas", false);
    config.requireFlag("use_dynamic_shifting", false);
    config.text("algorithm_type", "dpmsolver++", "dpmsolver++", "deis");
    // diffusers reads the names that other solvers use for their variants as midpoint
    config.text("solver_type", "midpoint", "midpoint", "logrho", "bh1", "bh2");
    if (config.isSet("variance_type")) {
      config.text("variance_type", "", "fixed_small", "fixed_small_log", "fixed_large");
    }
    return new DpmSolverSampler(
        NoiseSchedule.of(config),
        config.spacing(TimestepSpacing.LINSPACE),
        config.stepsOffset(),
        config.flag("use_karras_sigmas", false),
        !config
            .text("beta_schedule", "linear", "linear", "scaled_linear", "squaredcos_cap_v2")
            .equals("squaredcos_cap_v2"),
        config.integer("solver_order", 2, 1, 2),
        config.flag("lower_order_final", true),
        config.flag("euler_at_final", false),
        config.choice(
            "final_sigmas_type",
            FinalSigma.ZERO,
            List.of(FinalSigma.values()),
            FinalSigma::configName),
        config.number("lambda_min_clipped", Double.NEGATIVE_INFINITY));
  }

  /** The same sampler on Karras noise levels. */
  public DpmSolverSampler withKarras() {
    return new DpmSolverSampler(
        schedule,
        spacing,
        stepsOffset,
        true,
        roundTimesteps,
        order,
        lowerOrderFinal,
        eulerAtFinal,
        finalSigma,
        minLambda);
  }

  @Override
  public double[] timesteps(int steps) {
    return plan(steps).timesteps();
  }

  @Override
  public SamplerRun start(int steps) {
    return new Run(this, plan(steps).usable(schedule.trainTimesteps()));
  }

  private SigmaSteps plan(int steps) {
    int trainTimesteps = schedule.trainTimesteps();
    TimestepSpacing.requireSteps(steps, trainTimesteps);
    SigmaTable table = new SigmaTable(schedule);
    if (karras) {
      double[] levels = SigmaTable.karras(table.largest(), table.smallest(), steps);
      double[] timesteps = table.timestepsOf(levels);
      for (int i = 0; i < steps; i++) {
        // Timesteps are whole numbers in the end; without rounding they lose their fraction
        timesteps[i] = roundTimesteps ? Math.rint(timesteps[i]) : Math.floor(timesteps[i]);
      }
      return SigmaSteps.of(timesteps, levels, finalSigma.of(table));
    }
    int last = trainTimesteps - table.countBelowLambda(minLambda);
    if (last < 1) {
      throw TuneQdmException.inputData(
          "Cannot sample: lambda_min_clipped " + minLambda + " leaves no noise level");
    }
    double[] timesteps = spacing.multistep(steps, trainTimesteps, last, stepsOffset);
    return SigmaSteps.of(timesteps, table.at(timesteps), finalSigma.of(table));
  }

  private static final class Run implements SamplerRun {
    private final DpmSolverSampler sampler;
    private final SigmaSteps plan;
    private final StepOrder order;
    private final History cleanPredictions;

    Run(DpmSolverSampler sampler, SigmaSteps plan) {
      this.sampler = sampler;
      this.plan = plan;
      this.order = new StepOrder(plan.count());
      this.cleanPredictions = new History(sampler.order);
    }

    @Override
    public double[] timesteps() {
      return plan.timesteps().clone();
    }

    @Override
    public float[] sigmas() {
      return plan.sigmas().clone();
    }

    /**
     * With h the step in lambda and r its predecessor's share of it:
     *
     * <pre>
     *   x' = (s'/s) x - a' (e^-h - 1) D,   D = m0 + (m0 - m1) / 2r
     * </pre>
     */
    @Override
    public NDArray step(NDArray modelOutput, int i, NDArray sample, NDArray noise) {
      order.take(i);
      Prediction prediction =
          Prediction.of(sampler.schedule.predictionType(), plan.signal(i), plan.noise(i));
      cleanPredictions.add(
          LatentMath.sum(
              sample,
              new Term(prediction.cleanFromSample(), sample),
              new Term(prediction.cleanFromOutput(), modelOutput)));
      float h = plan.lambda(i + 1) - plan.lambda(i);
      double own = plan.noise(i + 1) / plan.noise(i);
      double clean = -plan.signal(i + 1) * Math.expm1(-h);
      if (firstOrder(i)) {
        return LatentMath.next(
            sample, new Term(own, sample), new Term(clean, cleanPredictions.get(0)));
      }
      float r = (plan.lambda(i) - plan.lambda(i - 1)) / h;
      double slope = 0.5 / r;
      return LatentMath.next(
          sample,
          new Term(own, sample),
          new Term(clean * (1 + slope), cleanPredictions.get(0)),
          new Term(-clean * slope, cleanPredictions.get(1)));
    }

    private boolean firstOrder(int i) {
      boolean few = plan.count() < FEW_STEPS;
      boolean lowerAtEnd =
          sampler.eulerAtFinal
              || sampler.lowerOrderFinal && few
              || sampler.finalSigma == FinalSigma.ZERO;
      return sampler.order == 1 || i == 0 || lowerAtEnd && i == plan.count() - 1;
    }

    @Override
    public void close() {
      cleanPredictions.close();
    }
  }
}
