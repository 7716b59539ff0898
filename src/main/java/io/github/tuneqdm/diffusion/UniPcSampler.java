package io.github.tuneqdm.diffusion;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.diffusion.LatentMath.Term;
import io.github.tuneqdm.error.TuneQdmException;
import java.util.List;
import java.util.Set;

/**
 * UniPC on the clean prediction (Zhao et al. 2023), order one or two: a multistep predictor, and a
 * corrector that redoes the previous step once the network was asked at its end.
 *
 * @param spacing how steps are spread over the training timesteps, unless Karras levels are used
 * @param stepsOffset added to each timestep of leading spacing
 * @param karras whether the noise levels are those of Karras et al. 2022
 * @param variant which B(h) weighs the differences
 * @param order 1 or 2
 * @param lowerOrderFinal whether the last step is of order one
 * @param finalSigma the level it ends on
 * @param uncorrected steps that are not redone
 */
public record UniPcSampler(
    NoiseSchedule schedule,
    TimestepSpacing spacing,
    int stepsOffset,
    boolean karras,
    Variant variant,
    int order,
    boolean lowerOrderFinal,
    FinalSigma finalSigma,
    Set<Integer> uncorrected)
    implements Sampler {

  /** The two choices of B(h) in section 3.1 of the paper. */
  public enum Variant {
    /** {@code B(h) = h}. */
    BH1,
    /** {@code B(h) = e^h - 1}. */
    BH2
  }

  /** Checks that a caller-made description makes sense. */
  public UniPcSampler {
    uncorrected = Set.copyOf(uncorrected);
  }

  static UniPcSampler fromConfig(SchedulerConfig config) {
    config.requireFlag("thresholding", false);
    config.requireFlag("predict_x0", true);
    config.requireFlag("use_exponential_sigmas", false);
    config.requireFlag("use_beta_sigmas", false);
    config.requireFlag("use_flow_sigmas", false);
    config.requireFlag("use_dynamic_shifting", false);
    config.requireUnset("solver_p", "sigma_min", "sigma_max", "shift_terminal");
    // diffusers reads the names that other solvers use for their variants as bh2
    String variant = config.text("solver_type", "bh2", "bh1", "bh2", "midpoint", "heun", "logrho");
    FinalSigma finalSigma =
        config.choice(
            "final_sigmas_type",
            FinalSigma.ZERO,
            List.of(FinalSigma.values()),
            FinalSigma::configName);
    int order = config.integer("solver_order", 2, 1, 2);
    boolean lowerOrderFinal = config.flag("lower_order_final", true);
    if (order > 1 && !lowerOrderFinal && finalSigma == FinalSigma.ZERO) {
      throw config.wrong("lower_order_final", "a final sigma of zero needs it");
    }
    return new UniPcSampler(
        NoiseSchedule.of(config),
        config.spacing(TimestepSpacing.LINSPACE),
        config.stepsOffset(),
        config.flag("use_karras_sigmas", false),
        variant.equals("bh1") ? Variant.BH1 : Variant.BH2,
        order,
        lowerOrderFinal,
        finalSigma,
        config.integers("disable_corrector"));
  }

  @Override
  public double[] timesteps(int steps) {
    return plan(steps).timesteps();
  }

  @Override
  public SamplerRun start(int steps) {
    SigmaSteps plan = plan(steps).usable(schedule.trainTimesteps());
    if (!(plan.sigmas()[plan.count()] < plan.sigmas()[plan.count() - 1])) {
      throw TuneQdmException.inputData(
          "Cannot sample: with final_sigmas_type sigma_min the last step of UniPC would go nowhere"
              + " (use zero)");
    }
    return new Run(this, plan);
  }

  private SigmaSteps plan(int steps) {
    int trainTimesteps = schedule.trainTimesteps();
    TimestepSpacing.requireSteps(steps, trainTimesteps);
    SigmaTable table = new SigmaTable(schedule);
    double[] timesteps;
    double[] levels;
    if (karras) {
      levels = SigmaTable.karras(table.largest(), table.smallest(), steps);
      timesteps = table.timestepsOf(levels);
      for (int i = 0; i < steps; i++) {
        timesteps[i] = Math.rint(timesteps[i]);
      }
    } else {
      timesteps = spacing.multistep(steps, trainTimesteps, trainTimesteps, stepsOffset);
      levels = table.at(timesteps);
    }
    return SigmaSteps.of(timesteps, levels, finalSigma.of(table));
  }

  private static final class Run implements SamplerRun {
    private final UniPcSampler sampler;
    private final SigmaSteps plan;
    private final StepOrder stepOrder;
    private final History cleanPredictions;
    private final History corrected = new History(1);

    Run(UniPcSampler sampler, SigmaSteps plan) {
      this.sampler = sampler;
      this.plan = plan;
      this.stepOrder = new StepOrder(plan.count());
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

    @Override
    public NDArray step(NDArray modelOutput, int i, NDArray sample, NDArray noise) {
      stepOrder.take(i);
      Prediction prediction =
          Prediction.of(sampler.schedule.predictionType(), plan.signal(i), plan.noise(i));
      NDArray clean =
          LatentMath.sum(
              sample,
              new Term(prediction.cleanFromSample(), sample),
              new Term(prediction.cleanFromOutput(), modelOutput));
      if (i > 0 && !sampler.uncorrected.contains(i - 1)) {
        corrected.add(correct(i - 1, sample, clean));
      } else {
        corrected.addCopy(sample, sample);
      }
      cleanPredictions.add(clean);
      return predict(i, sample, corrected.get(0));
    }

    /** The order of step i: one at the start, and at the end where so set. */
    private int orderOf(int i) {
      int order = Math.min(sampler.order, i + 1);
      return sampler.lowerOrderFinal ? Math.min(order, plan.count() - i) : order;
    }

    /**
     * UniP: {@code x' = (s'/s) x - a' (e^-h - 1) m0 - a' B (m1 - m0) / 2r}, the last term at order
     * two only.
     */
    private NDArray predict(int i, NDArray sample, NDArray x) {
      Weights w = weights(i);
      if (orderOf(i) == 1) {
        return LatentMath.next(
            sample, new Term(w.own, x), new Term(w.clean, cleanPredictions.get(0)));
      }
      double slope = w.difference * 0.5 / w.r;
      return LatentMath.next(
          sample,
          new Term(w.own, x),
          new Term(w.clean - slope, cleanPredictions.get(0)),
          new Term(slope, cleanPredictions.get(1)));
    }

    /**
     * UniC: step i taken again from where it began, with the clean prediction {@code atEnd} made at
     * its end: {@code x' = (s'/s) x - a' (e^-h - 1) m0 - a' B (rho1 (m1 - m0) / r + rho2 (atEnd -
     * m0))}.
     */
    private NDArray correct(int i, NDArray sample, NDArray atEnd) {
      Weights w = weights(i);
      NDArray x = corrected.get(0);
      NDArray m0 = cleanPredictions.get(0);
      if (orderOf(i) == 1) {
        double slope = w.difference * 0.5;
        return LatentMath.sum(
            sample, new Term(w.own, x), new Term(w.clean - slope, m0), new Term(slope, atEnd));
      }
      // rho solves [1 1; r 1] rho = [b1; b2], b_k = k! phi_(k+1)(-h) (-h) / B
      double b1 = w.phi2 / w.b;
      double b2 = 2 * w.phi3 / w.b;
      double rho1 = (b1 - b2) / (1 - w.r);
      double rho2 = b1 - rho1;
      double before = w.difference * rho1 / w.r;
      double after = w.difference * rho2;
      return LatentMath.sum(
          sample,
          new Term(w.own, x),
          new Term(w.clean - before - after, m0),
          new Term(before, cleanPredictions.get(1)),
          new Term(after, atEnd));
    }

    /**
     * What both formulas weigh with in step i.
     *
     * @param own s'/s
     * @param clean -a' (e^-h - 1)
     * @param difference -a' B
     * @param b B
     * @param r (negative) distance of the step before, as a share of h; NaN in the first step
     * @param phi2 {@code (e^g - 1)/g - 1} with g = -h
     * @param phi3 {@code phi2 / g - 1/2}
     */
    private record Weights(
        double own,
        double clean,
        double difference,
        double b,
        double r,
        double phi2,
        double phi3) {}

    private Weights weights(int i) {
      float h = plan.lambda(i + 1) - plan.lambda(i);
      double g = -h;
      double growth = Math.expm1(g);
      double b = sampler.variant == Variant.BH1 ? g : growth;
      double phi2 = growth / g - 1;
      return new Weights(
          plan.noise(i + 1) / plan.noise(i),
          -plan.signal(i + 1) * growth,
          -plan.signal(i + 1) * b,
          b,
          i > 0 ? (plan.lambda(i - 1) - plan.lambda(i)) / h : Double.NaN,
          phi2,
          phi2 / g - 0.5);
    }

    @Override
    public void close() {
      cleanPredictions.close();
      corrected.close();
    }
  }
}
