package io.github.tuneqdm.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tuneqdm.diffusion.NoiseSchedule;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.models.AutoencoderKL;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.parallel.Ahead;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.PhiloxRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What training sees of its subjects, whatever it trains: photos as latents, prompts as text
 * states. The encoders have left memory when this is made. Dimensions: S subjects, B samples, Z
 * latent channels, h x w latent pixels, L tokens, D text features.
 */
final class PreparedSubjects {
  private static final int PHOTOS_AHEAD = 16;

  private final TuningSettings settings;
  private final NoiseSchedule schedule;
  private final List<Prepared> subjects;
  private final LatentShape latent;

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

  /**
   * The samples of one forward pass.
   *
   * @param target (B, Z, h, w)
   * @param weights of the samples' losses (B,)
   * @param timesteps of each sample
   * @param owner each sample's subject
   */
  record Pass(UNet.Input input, NDArray target, NDArray weights, long[] timesteps, int[] owner) {}

  private PreparedSubjects(
      TuningSettings settings,
      NoiseSchedule schedule,
      List<Prepared> subjects,
      LatentShape latent) {
    this.settings = settings;
    this.schedule = schedule;
    this.subjects = subjects;
    this.latent = latent;
  }

  static PreparedSubjects of(
      Compute compute,
      PipelineFolder base,
      TuningSettings settings,
      NoiseSchedule schedule,
      List<Subject> subjects) {
    List<String> prompts = new ArrayList<>();
    for (Subject subject : subjects) {
      prompts.add(subject.instancePrompt());
      prompts.add(subject.classImages().isEmpty() ? "" : subject.classPrompt());
    }
    List<float[]> text = base.encode(compute, prompts);
    List<Prepared> prepared = new ArrayList<>();
    try (AutoencoderKL vae = base.vae(compute)) {
      int side = settings.resolution() / vae.downscale();
      Encoding encoding = new Encoding(compute, vae, schedule);
      for (int s = 0; s < subjects.size(); s++) {
        Subject subject = subjects.get(s);
        TuningSettings own = settings.with(subject.overrides());
        SampleDraws instance = encoding.draws(own, subject.name(), subject.photos());
        SampleDraws prior =
            subject.classImages().isEmpty()
                ? null
                : encoding.draws(own, subject.name() + "/class", subject.classImages());
        prepared.add(new Prepared(instance, text.get(2 * s), prior, text.get(2 * s + 1)));
      }
      LatentShape latent = new LatentShape(vae.latentChannels(), side, side);
      return new PreparedSubjects(settings, schedule, prepared, latent);
    }
  }

  private record Encoding(Compute compute, AutoencoderKL vae, NoiseSchedule schedule) {

    /** Pictures are brought to size on other threads, ahead of the device that encodes them. */
    SampleDraws draws(TuningSettings own, String stream, List<RgbImage> pictures) {
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
          latents.add(PhotoLatents.encode(compute, vae, squares.next(), own.resolution()));
        }
      }
      return new SampleDraws(
          own, stream, latents, schedule, vae.scalingFactor(), vae.latentChannels());
    }
  }

  /** S. */
  int count() {
    return subjects.size();
  }

  /** B of each pass. */
  int samples() {
    return subjects.stream().mapToInt(Prepared::passes).sum() * settings.batchSize();
  }

  int latentHeight() {
    return latent.height();
  }

  /** L of text states with D features. */
  int tokens(int features) {
    return subjects.get(0).instanceText.length / features;
  }

  /** Every sample's text states (B, L, D); the order of samples is the same in every pass. */
  NDArray context(Compute compute, NDManager run, int features) {
    List<float[]> rows = new ArrayList<>();
    for (Prepared p : subjects) {
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
    return compute.weights(run, all, rows.size(), size / features, features);
  }

  /**
   * The samples of a pass, in {@code scope}.
   *
   * @param number of the pass, from 0
   * @param context what {@link #context} made
   */
  Pass pass(NDManager scope, long number, NDArray context) {
    long first = number * settings.batchSize();
    int samples = samples();
    int size = latent.size();
    float[] noisy = new float[samples * size];
    float[] target = new float[samples * size];
    float[] weights = new float[samples];
    long[] timesteps = new long[samples];
    int[] owner = new int[samples];
    int at = 0;
    for (int s = 0; s < subjects.size(); s++) {
      Prepared p = subjects.get(s);
      for (int pass = 0; pass < p.passes(); pass++) {
        for (int i = 0; i < settings.batchSize(); i++, at++) {
          SampleDraws.Sample sample = (pass == 0 ? p.instance : p.prior).draw(first + i);
          System.arraycopy(sample.noisy(), 0, noisy, at * size, size);
          System.arraycopy(sample.target(), 0, target, at * size, size);
          timesteps[at] = sample.timestep();
          owner[at] = s;
          weights[at] = (float) (weight(pass, sample.timestep()) / settings.batchSize());
        }
      }
    }
    return new Pass(
        new UNet.Input(latents(scope, noisy, samples), scope.create(timesteps), context),
        latents(scope, target, samples),
        Compute.floats(scope, weights, samples),
        timesteps,
        owner);
  }

  private NDArray latents(NDManager scope, float[] values, int samples) {
    return Compute.floats(
        scope, values, samples, latent.channels(), latent.height(), latent.width());
  }

  private double weight(int pass, int timestep) {
    if (pass == 1) {
      return settings.priorWeight();
    }
    return settings.snrGamma() > 0
        ? schedule.minSnrWeight(timestep, (float) settings.snrGamma())
        : 1;
  }
}
