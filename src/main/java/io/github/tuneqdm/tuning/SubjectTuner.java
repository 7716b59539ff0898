package io.github.tuneqdm.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.jni.JniUtils;
import io.github.tuneqdm.diffusion.NoiseSchedule;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.models.AutoencoderKL;
import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.models.ScaleCoordinates;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.models.UNetConfig;
import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.parallel.Ahead;
import io.github.tuneqdm.quant.ExpertSchedule;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.PhiloxRandom;
import io.github.tuneqdm.tensor.cuda.CudaDevice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.IntStream;
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
  private static final int REPORT_EVERY = 10;

  private static final int PHOTOS_AHEAD = 16;

  /** Of a prompt, where none has been encoded yet. */
  private static final int CLIP_TOKENS = 77;

  /** Hears of training while it goes on. */
  @FunctionalInterface
  public interface Progress {
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

  /** A subject's draws and its prompts' text states (L, D). */
  private record Prepared(
      SampleDraws instance, float[] instanceText, SampleDraws prior, float[] priorText) {

    int passes() {
      return prior == null ? 1 : 2;
    }
  }

  private record LatentShape(int channels, int height, int width) {
    int size() {
      return channels * height * width;
    }
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
          LatentShape[] latent = new LatentShape[1];
          List<Prepared> prepared = prepare(subjects, latent);
          MemoryPlan plan = plan(prepared, latent[0]);
          LOG.info("{}", plan.reason());
          try (TunableUNet unet = network.open().apply(plan.mode())) {
            return train(subjects, prepared, latent[0], unet, plan, states, progress);
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

  private MemoryPlan plan(List<Prepared> prepared, LatentShape latent) {
    int samples = prepared.stream().mapToInt(Prepared::passes).sum() * settings.batchSize();
    Optional<CudaDevice> cuda = compute.cuda();
    if (cuda.isEmpty()) {
      return MemoryPlan.unlimited(network.wanted(), samples);
    }
    JniUtils.emptyCudaCache(); // what the encoders left
    ModelConfig unet = base.unetConfig();
    int features = UNetConfig.from(unet).crossAttentionDims().get(0);
    int tokens = prepared.get(0).instanceText.length / features;
    MemoryPlan.Needs needs =
        MemoryPlan.Needs.of(
            compute, unet, network.bits(), settings.experts(), latent.height(), tokens);
    return MemoryPlan.of(network.wanted(), cuda.get().memory()[0], needs, prepared.size(), samples);
  }

  private List<Prepared> prepare(List<Subject> subjects, LatentShape[] latent) {
    List<String> prompts = new ArrayList<>();
    for (Subject subject : subjects) {
      prompts.add(subject.instancePrompt());
      prompts.add(subject.classImages().isEmpty() ? "" : subject.classPrompt());
    }
    List<float[]> text = base.encode(compute, prompts);
    List<Prepared> prepared = new ArrayList<>();
    try (AutoencoderKL vae = base.vae(compute)) {
      int side = settings.resolution() / vae.downscale();
      latent[0] = new LatentShape(vae.latentChannels(), side, side);
      for (int s = 0; s < subjects.size(); s++) {
        Subject subject = subjects.get(s);
        TuningSettings own = settings.with(subject.overrides());
        SampleDraws instance = draws(vae, own, subject.name(), subject.photos());
        SampleDraws prior =
            subject.classImages().isEmpty()
                ? null
                : draws(vae, own, subject.name() + "/class", subject.classImages());
        prepared.add(new Prepared(instance, text.get(2 * s), prior, text.get(2 * s + 1)));
      }
    }
    return prepared;
  }

  /** Pictures are brought to size on other threads, ahead of the device that encodes them. */
  private SampleDraws draws(
      AutoencoderKL vae, TuningSettings own, String stream, List<RgbImage> pictures) {
    List<PhotoLatents> latents = new ArrayList<>();
    List<Integer> numbers = IntStream.range(0, pictures.size()).boxed().toList();
    try (Ahead<List<float[]>> squares =
        Ahead.counted(
            numbers,
            i ->
                PhotoLatents.squares(
                    pictures.get(i),
                    own,
                    PhiloxRandom.of(own.seed(), stream + "/crops", i).draws()),
            PHOTOS_AHEAD)) {
      while (latents.size() < pictures.size()) {
        latents.add(PhotoLatents.encode(compute, vae, squares.next(), settings.resolution()));
      }
    }
    return new SampleDraws(
        own, stream, latents, schedule, vae.scalingFactor(), vae.latentChannels());
  }

  private List<TunedSubject> train(
      List<Subject> subjects,
      List<Prepared> prepared,
      LatentShape latent,
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
      NDArray context = context(run, prepared, unet);
      ExpertSchedule byTime = new ExpertSchedule(experts, schedule.trainTimesteps());
      for (int step = done + 1; step <= settings.steps(); step++) {
        double[] rates = rates(each, step);
        for (int part = 0; part < settings.gradientAccumulation(); part++) {
          long first =
              ((long) (step - 1) * settings.gradientAccumulation() + part) * settings.batchSize();
          try (NDManager scope = compute.scope()) {
            pass(scope, run, batch, prepared, latent, context, byTime, first, log);
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
    ScaleCoordinates in = settings.parametrization().of(unet);
    if (before.isPresent()) {
      return new SubjectBatch(compute, unet, experts, in, before.get(), adamW, trainDeltaIn);
    }
    float[] start = in.initial(subjects * experts);
    return new SubjectBatch(compute, unet, subjects, experts, in, start, adamW, trainDeltaIn);
  }

  private static double[] rates(List<TuningSettings> each, int step) {
    return each.stream()
        .mapToDouble(
            own ->
                own.schedule().rate(own.learningRate(), step - 1, own.warmupSteps(), own.steps()))
        .toArray();
  }

  /** Every sample's text states (B, L, D); the order of samples is the same in every pass. */
  private NDArray context(NDManager run, List<Prepared> prepared, TunableUNet unet) {
    List<float[]> rows = new ArrayList<>();
    for (Prepared p : prepared) {
      for (int pass = 0; pass < p.passes(); pass++) {
        for (int i = 0; i < settings.batchSize(); i++) {
          rows.add(pass == 0 ? p.instanceText : p.priorText);
        }
      }
    }
    int size = rows.get(0).length;
    float[] all = new float[rows.size() * size];
    for (int i = 0; i < rows.size(); i++) {
      System.arraycopy(rows.get(i), 0, all, i * size, size);
    }
    int features = unet.unet().config().crossAttentionDims().get(0);
    return compute.weights(run, all, rows.size(), size / features, features);
  }

  private void pass(
      NDManager scope,
      NDManager run,
      SubjectBatch batch,
      List<Prepared> prepared,
      LatentShape latent,
      NDArray context,
      ExpertSchedule byTime,
      long first,
      StepLog log) {
    int samples = Math.toIntExact(context.getShape().get(0));
    int size = latent.size();
    float[] noisy = new float[samples * size];
    float[] target = new float[samples * size];
    float[] weights = new float[samples];
    long[] timesteps = new long[samples];
    int[] rows = new int[samples];
    int[] owner = new int[samples];
    int at = 0;
    for (int s = 0; s < prepared.size(); s++) {
      Prepared p = prepared.get(s);
      for (int pass = 0; pass < p.passes(); pass++) {
        for (int i = 0; i < settings.batchSize(); i++, at++) {
          SampleDraws.Sample sample = (pass == 0 ? p.instance : p.prior).draw(first + i);
          System.arraycopy(sample.noisy(), 0, noisy, at * size, size);
          System.arraycopy(sample.target(), 0, target, at * size, size);
          timesteps[at] = sample.timestep();
          rows[at] = s * settings.experts() + byTime.expertOf(sample.timestep());
          owner[at] = s;
          weights[at] = (float) (weight(pass, sample.timestep()) / settings.batchSize());
        }
      }
    }
    UNet.Input input =
        new UNet.Input(
            Compute.floats(
                scope, noisy, samples, latent.channels(), latent.height(), latent.width()),
            scope.create(timesteps),
            context);
    NDArray losses =
        batch.accumulate(
            input,
            Compute.floats(
                scope, target, samples, latent.channels(), latent.height(), latent.width()),
            Compute.floats(scope, weights, samples),
            rows);
    losses.attach(run);
    log.losses(losses, owner);
  }

  private double weight(int pass, int timestep) {
    if (pass == 1) {
      return settings.priorWeight();
    }
    return settings.snrGamma() > 0
        ? schedule.minSnrWeight(timestep, (float) settings.snrGamma())
        : 1;
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
      Optional<StepRecord> bad = steps.stream().filter(step -> !step.isFinite()).findFirst();
      if (bad.isPresent()) {
        String why =
            "training diverged: the loss is not a finite number at step "
                + bad.get().step()
                + mend(subjects.get(s));
        results.add(TunedSubject.failed(name, why, steps.subList(0, bad.get().step() - 1)));
      } else if (!own.isFinite()) {
        String why = "training diverged: a scale is not a finite number" + mend(subjects.get(s));
        results.add(TunedSubject.failed(name, why, steps));
      } else if (steps.size() < settings.steps()) {
        results.add(new TunedSubject(name, Optional.empty(), Optional.empty(), steps));
      } else {
        results.add(new TunedSubject(name, Optional.of(own), Optional.empty(), steps));
      }
    }
    return results;
  }

  private static String mend(Subject subject) {
    return subject.overrides().values().containsKey(SubjectOverrides.Key.LEARNING_RATE)
        ? " (lower its learning-rate in subjects.csv)"
        : " (lower tuneqdm.tuning.learning-rate)";
  }
}
