package io.github.tuneqdm.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tuneqdm.diffusion.NoiseSchedule;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.models.LowRank;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.models.UNetConfig;
import io.github.tuneqdm.storage.Finiteness;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.Precision;
import io.github.tuneqdm.tuning.SubjectTuner.Progress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tunes the weights of one subject, as {@link SubjectTuner} tunes scales of many: with the same
 * samples, weighting, schedules and optimiser. Weights are trained in float32.
 */
public final class WeightTuner {
  private static final Logger LOG = LoggerFactory.getLogger(WeightTuner.class);

  private final Compute compute;
  private final PipelineFolder base;
  private final Supplier<UNet> network;
  private final Optional<LowRank> lowRank;
  private final TuningSettings settings;
  private final NoiseSchedule schedule;

  /**
   * @param network opens the UNet that training begins from, once the encoders have left memory
   * @param lowRank the additions that are trained; nothing: all weights
   */
  public WeightTuner(
      Compute compute,
      PipelineFolder base,
      Supplier<UNet> network,
      Optional<LowRank> lowRank,
      TuningSettings settings) {
    if (compute.precision() != Precision.FLOAT32) {
      throw new IllegalArgumentException("weights are trained in float32");
    }
    this.compute = compute;
    this.base = base;
    this.network = network;
    this.lowRank = lowRank;
    this.settings = settings;
    this.schedule = NoiseSchedule.fromConfig(base.schedulerConfig().json());
  }

  /** Goes on where {@code states} stop; on CPU the result is that of training in one go. */
  public TunedWeights tune(Subject subject, TrainingStates states, Progress progress) {
    return Compute.withGradients(
        false,
        () -> {
          TuningSettings own = settings.with(subject.overrides());
          PreparedSubjects prepared =
              PreparedSubjects.of(compute, base, settings, schedule, List.of(subject));
          compute.emptyCache(); // what the encoders left
          try (TrainableWeights trained = trained(own)) {
            return train(subject, own, prepared, trained, states, progress);
          }
        });
  }

  private TrainableWeights trained(TuningSettings own) {
    return lowRank
        .map(form -> TrainableWeights.lowRank(compute, form, network.get(), own.seed()))
        .orElseGet(() -> TrainableWeights.full(compute, base.unetConfig(), network));
  }

  private TunedWeights train(
      Subject subject,
      TuningSettings own,
      PreparedSubjects prepared,
      TrainableWeights trained,
      TrainingStates states,
      Progress progress) {
    Optional<TrainingState> before = states.latest();
    before.ifPresent(state -> requireFitting(state, trained));
    int done = before.map(TrainingState::step).orElse(0);
    StepLog log =
        before
            .map(state -> new StepLog(1, own.steps(), state))
            .orElseGet(() -> new StepLog(1, own.steps()));
    try (NDManager run = compute.scope();
        WeightBatch batch =
            before
                .map(state -> new WeightBatch(compute, trained, own.adamW(), state))
                .orElseGet(() -> new WeightBatch(compute, trained, own.adamW()))) {
      int features = UNetConfig.from(base.unetConfig()).crossAttentionDims().get(0);
      NDArray context = prepared.context(compute, run, features);
      progress.started(done);
      for (int step = done + 1; step <= own.steps(); step++) {
        double[] rates = SubjectTuner.rates(List.of(own), step);
        for (int part = 0; part < own.gradientAccumulation(); part++) {
          long number = (long) (step - 1) * own.gradientAccumulation() + part;
          try (NDManager scope = compute.scope()) {
            PreparedSubjects.Pass pass = prepared.pass(scope, number, context);
            NDArray losses = batch.accumulate(pass.input(), pass.target(), pass.weights());
            losses.attach(run);
            log.losses(losses, pass.owner());
          }
        }
        log.step(rates, batch.update(run, rates[0], own.gradientAccumulation()));
        boolean last = step == own.steps();
        boolean due = !last && batch.hasStates() && states.isDue(step);
        if (step % SubjectTuner.REPORT_EVERY == 0 || due || last) {
          log.flush(own.gradientAccumulation());
          progress.stepped(step, log.lastMeanLoss());
          if (log.diverged() == 1 || !progress.goesOn(log.diverged())) {
            break;
          }
        }
        if (due) {
          states.keep(batch.state(log));
        }
      }
      return result(subject, own, trained.size(), batch.tensors(), log.records(0));
    }
  }

  private static void requireFitting(TrainingState state, TrainableWeights trained) {
    if (!state.fits(1, Math.toIntExact(trained.size()), Integer.MAX_VALUE)) {
      throw TuneQdmException.inputData(
          "Cannot go on from the training state of step %d: it is of another base or method (delete the run's folder state)"
              .formatted(state.step()));
    }
    LOG.info("Training of weights goes on after step {}", state.step());
  }

  private static TunedWeights result(
      Subject subject,
      TuningSettings own,
      long trained,
      Map<String, StoredTensor> tensors,
      List<StepRecord> steps) {
    boolean finite =
        tensors.values().stream().allMatch(t -> Finiteness.firstNonFinite(t).isEmpty());
    Optional<Divergence> bad = Divergence.of(subject, steps, finite, "weight");
    if (bad.isPresent()) {
      Optional<String> why = Optional.of(bad.get().why());
      return new TunedWeights(
          subject.name(), Optional.empty(), trained, why, List.copyOf(bad.get().before()));
    }
    return new TunedWeights(
        subject.name(),
        Optional.of(tensors).filter(t -> steps.size() == own.steps()),
        trained,
        Optional.empty(),
        List.copyOf(steps));
  }
}
