package io.github.tuneqdm.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tuneqdm.diffusion.NoiseSchedule;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.models.ScaleCoordinates;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNetConfig;
import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.quant.ExpertSchedule;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.cuda.CudaDevice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tunes subjects, from photos to scales: encodes photos and prompts, lets the encoders go, loads
 * the quantised UNet and runs the recipe on all subjects at once. Dimensions: S subjects, B
 * samples, Z latent channels, h x w latent pixels, L tokens, D text features.
 */
public final class SubjectTuner {
  private static final Logger LOG = LoggerFactory.getLogger(SubjectTuner.class);

  /** Losses travel from device to host once in so many steps. */
  static final int REPORT_EVERY = 10;

  /** Of a prompt, where none has been encoded yet. */
  private static final int CLIP_TOKENS = 77;

  /** Hears of training while it goes on. */
  @FunctionalInterface
  public interface Progress {
    /**
     * Training is about to take its first step here.
     *
     * @param done steps that an earlier attempt took
     */
    default void started(int done) {}

    /**
     * @param step from 1
     * @param meanLoss over the subjects that have not diverged, in the last few steps
     */
    void stepped(int step, double meanLoss);

    /**
     * Whether training goes on; asked after each {@link #stepped}.
     *
     * @param diverged subjects whose loss or gradient is not a number any more
     */
    default boolean goesOn(int diverged) {
      return true;
    }
  }

  /**
   * The quantised UNet.
   *
   * @param bits of its integers
   * @param wanted how it shall lie in memory, or nothing: as it fits
   * @param open loads it
   */
  public record Network(
      int bits, Optional<MemoryMode> wanted, Function<MemoryMode, TunableUNet> open) {}

  private final Compute compute;
  private final PipelineFolder base;
  private final Network network;
  private final TuningSettings settings;
  private final NoiseSchedule schedule;

  /**
   * @param network opened once the encoders have left memory
   */
  public SubjectTuner(
      Compute compute, PipelineFolder base, Network network, TuningSettings settings) {
    this.compute = compute;
    this.base = base;
    this.network = network;
    this.settings = settings;
    this.schedule = NoiseSchedule.fromConfig(base.schedulerConfig().json());
  }

  /** Trains all subjects together, from the start to the end; results in their order. */
  public List<TunedSubject> tune(List<Subject> subjects, Progress progress) {
    return tune(subjects, TrainingStates.NONE, progress);
  }

  /** Goes on where {@code states} stop; on CPU the results are those of training in one go. */
  public List<TunedSubject> tune(List<Subject> subjects, TrainingStates states, Progress progress) {
    return Compute.withGradients(
        false,
        () -> {
          PreparedSubjects prepared =
              PreparedSubjects.of(compute, base, settings, schedule, subjects);
          MemoryPlan plan = plan(prepared);
          LOG.info("{}", plan.reason());
          try (TunableUNet unet = network.open().apply(plan.mode())) {
            return train(subjects, prepared, unet, plan, states, progress);
          }
        });
  }

  /**
   * How many subjects to train together so that all their samples pass through the network at once;
   * nothing on a CPU, whose memory is taken to hold any number.
   *
   * @param passes of each subject: two where it has class images
   */
  public OptionalInt subjectsThatFit(int passes) {
    Optional<CudaDevice> cuda = compute.cuda();
    if (cuda.isEmpty()) {
      return OptionalInt.empty();
    }
    ModelConfig vae = ModelConfig.read(base.root().resolve("vae").resolve("config.json"));
    int side = settings.resolution() >> (vae.sizeList("block_out_channels").size() - 1);
    MemoryPlan.Needs needs =
        MemoryPlan.Needs.of(
            compute, base.unetConfig(), network.bits(), settings.experts(), side, CLIP_TOKENS);
    int samples = passes * settings.batchSize();
    return OptionalInt.of(
        MemoryPlan.subjects(network.wanted(), cuda.get().memory()[0], needs, samples));
  }

  private MemoryPlan plan(PreparedSubjects prepared) {
    Optional<CudaDevice> cuda = compute.cuda();
    if (cuda.isEmpty()) {
      return MemoryPlan.unlimited(network.wanted(), prepared.samples());
    }
    compute.emptyCache(); // what the encoders left
    ModelConfig unet = base.unetConfig();
    int tokens = prepared.tokens(UNetConfig.from(unet).crossAttentionDims().get(0));
    MemoryPlan.Needs needs =
        MemoryPlan.Needs.of(
            compute, unet, network.bits(), settings.experts(), prepared.latentHeight(), tokens);
    return MemoryPlan.of(
        network.wanted(), cuda.get().memory()[0], needs, prepared.count(), prepared.samples());
  }

  private List<TunedSubject> train(
      List<Subject> subjects,
      PreparedSubjects prepared,
      TunableUNet unet,
      MemoryPlan plan,
      TrainingStates states,
      Progress progress) {
    int count = subjects.size();
    int experts = settings.experts();
    Optional<TrainingState> before = states.latest();
    before.ifPresent(state -> requireFitting(state, count, unet));
    int done = before.map(TrainingState::step).orElse(0);
    StepLog log =
        before
            .map(state -> new StepLog(count, settings.steps(), state))
            .orElseGet(() -> new StepLog(count, settings.steps()));
    try (NDManager run = compute.scope();
        SubjectBatch batch = batch(count, unet, before)) {
      batch.limitTogether(plan.together());
      List<TuningSettings> each =
          subjects.stream().map(subject -> settings.with(subject.overrides())).toList();
      batch.each(each.stream().map(TuningSettings::adamW).toList());
      NDArray context =
          prepared.context(compute, run, unet.unet().config().crossAttentionDims().get(0));
      ExpertSchedule byTime = new ExpertSchedule(experts, schedule.trainTimesteps());
      progress.started(done);
      for (int step = done + 1; step <= settings.steps(); step++) {
        double[] rates = rates(each, step);
        for (int part = 0; part < settings.gradientAccumulation(); part++) {
          long number = (long) (step - 1) * settings.gradientAccumulation() + part;
          try (NDManager scope = compute.scope()) {
            PreparedSubjects.Pass pass = prepared.pass(scope, number, context);
            int[] rows = rows(pass, byTime);
            NDArray losses = batch.accumulate(pass.input(), pass.target(), pass.weights(), rows);
            losses.attach(run);
            log.losses(losses, pass.owner());
          }
        }
        log.step(rates, batch.update(run, rates, settings.gradientAccumulation()));
        boolean last = step == settings.steps();
        boolean due = !last && states.isDue(step);
        if (step % REPORT_EVERY == 0 || due || last) {
          log.flush(settings.gradientAccumulation());
          progress.stepped(step, log.lastMeanLoss());
          if (log.diverged() == count || !progress.goesOn(log.diverged())) {
            break;
          }
        }
        if (due) {
          states.keep(batch.state(log));
        }
      }
      return results(subjects, unet, batch.scales(), log);
    }
  }

  private void requireFitting(TrainingState state, int subjects, TunableUNet unet) {
    if (!state.fits(subjects, settings.experts() * unet.layout().width(), settings.steps())) {
      throw TuneQdmException.inputData(
          "Cannot go on from the training state of step %d: it is of other subjects or another base (delete the run's folder state)"
              .formatted(state.step()));
    }
    LOG.info("Training of {} subjects goes on after step {}", subjects, state.step());
  }

  private SubjectBatch batch(int subjects, TunableUNet unet, Optional<TrainingState> before) {
    int experts = settings.experts();
    AdamWSettings adamW = settings.adamW();
    boolean trainDeltaIn = settings.trainDeltaIn();
    ScaleCoordinates in = settings.parametrization().of(unet, settings.lrWeights());
    if (before.isPresent()) {
      return new SubjectBatch(compute, unet, experts, in, before.get(), adamW, trainDeltaIn);
    }
    float[] start = in.initial(subjects * experts);
    return new SubjectBatch(compute, unet, subjects, experts, in, start, adamW, trainDeltaIn);
  }

  static double[] rates(List<TuningSettings> each, int step) {
    return each.stream()
        .mapToDouble(
            own ->
                own.schedule().rate(own.learningRate(), step - 1, own.warmupSteps(), own.steps()))
        .toArray();
  }

  /** Each sample's subject and expert as a row of scales. */
  private int[] rows(PreparedSubjects.Pass pass, ExpertSchedule byTime) {
    int[] rows = new int[pass.owner().length];
    for (int b = 0; b < rows.length; b++) {
      rows[b] = pass.owner()[b] * settings.experts() + byTime.expertOf(pass.timesteps()[b]);
    }
    return rows;
  }

  private List<TunedSubject> results(
      List<Subject> subjects, TunableUNet unet, float[] scales, StepLog log) {
    int length = settings.experts() * unet.layout().width();
    List<TunedSubject> results = new ArrayList<>();
    for (int s = 0; s < subjects.size(); s++) {
      String name = subjects.get(s).name();
      List<StepRecord> steps = log.records(s);
      DeltaScales own =
          new DeltaScales(
              settings.experts(), Arrays.copyOfRange(scales, s * length, (s + 1) * length));
      Optional<Divergence> bad = Divergence.of(subjects.get(s), steps, own.isFinite(), "scale");
      if (bad.isPresent()) {
        results.add(TunedSubject.failed(name, bad.get().why(), bad.get().before()));
      } else if (steps.size() < settings.steps()) {
        results.add(new TunedSubject(name, Optional.empty(), Optional.empty(), steps));
      } else {
        results.add(new TunedSubject(name, Optional.of(own), Optional.empty(), steps));
      }
    }
    return results;
  }
}
