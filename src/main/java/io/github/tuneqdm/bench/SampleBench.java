package io.github.tuneqdm.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import io.github.tuneqdm.diffusion.Guidance;
import io.github.tuneqdm.diffusion.Sampler;
import io.github.tuneqdm.diffusion.SamplerRun;
import io.github.tuneqdm.diffusion.Samplers;
import io.github.tuneqdm.models.AutoencoderKL;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.sampling.Denoiser;
import io.github.tuneqdm.tensor.Compute;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Times the making of pictures of several subjects in one batch: DDIM with guidance, then the
 * decoder. Dimensions: B pictures, Z latent channels, h x w latent pixels.
 */
final class SampleBench implements AutoCloseable {
  private static final int TIMESTEPS = 1000;
  private static final double GUIDANCE = 7.5;

  private final LoadedBase base;
  private final Compute compute;
  private final BenchSettings settings;
  private final Sampler sampler;
  private final AutoencoderKL vae;

  SampleBench(LoadedBase base) {
    this.base = base;
    this.compute = base.compute();
    this.settings = base.settings();
    this.sampler = Samplers.named("ddim", settings.model().scheduler());
    this.vae = settings.model().autoencoder(compute);
  }

  /** Times batches of {@code perSubject} pictures of each of S subjects. */
  BenchRow run(int subjects, int perSubject) {
    compute.emptyCache();
    int pictures = subjects * perSubject;
    int steps = settings.sampleSteps();
    try (NDManager owner = compute.scope();
        Denoiser denoiser = denoiser(subjects);
        DeviceMemory memory = DeviceMemory.watch(compute.device())) {
      Inputs inputs = Inputs.of(compute, owner, settings, 2 * pictures);
      Timings.Work batch = () -> sample(denoiser, inputs, pictures, perSubject);
      batch.run();
      Timings time = Timings.of(settings.effort().longSections(), 1, batch);
      Map<String, Double> rates = new LinkedHashMap<>();
      rates.put("images", time.perSecond(pictures));
      rates.put("denoising steps", time.perSecond(pictures * steps));
      BenchModel model = settings.model();
      double flop =
          2 * steps * model.unetWorkload(compute, settings.size()).forward()
              + model.decoderWorkload(compute, settings.size()).forward();
      return base.row(
          "sample",
          subjects,
          perSubject,
          time,
          base.memory(memory),
          time.perSecond(pictures * flop) / 1e12,
          rates);
    }
  }

  /** The first denoising step of such a batch, so that nothing is replayed. */
  void firstStep(int subjects, int perSubject) {
    int pictures = subjects * perSubject;
    try (NDManager owner = compute.scope();
        Denoiser denoiser = denoiser(subjects);
        SamplerRun walk = sampler.start(settings.sampleSteps())) {
      Inputs inputs = Inputs.of(compute, owner, settings, 2 * pictures);
      NDArray latents = inputs.sample().get(":" + pictures);
      int[] rows = subjectsOf(pictures, perSubject);
      Compute.withGradients(
          false,
          () -> {
            NDArray next = step(denoiser, walk, 0, latents, inputs.context(), rows);
            next.attach(owner);
            return next.toFloatArray(); // waits for the device
          });
    }
  }

  private Denoiser denoiser(int subjects) {
    return Denoiser.sharing(
        compute, base.network(), Collections.nCopies(subjects, base.initialScales()), TIMESTEPS);
  }

  /** The subject of each of 2B samples. */
  private static int[] subjectsOf(int pictures, int perSubject) {
    int[] subjects = new int[2 * pictures];
    Arrays.setAll(subjects, b -> b % pictures / perSubject);
    return subjects;
  }

  /**
   * @param inputs of 2B samples, the unconditional ones included
   */
  private void sample(Denoiser denoiser, Inputs inputs, int pictures, int perSubject) {
    Compute.withGradients(
        false,
        () -> {
          try (NDManager run = compute.scope();
              SamplerRun walk = sampler.start(settings.sampleSteps())) {
            NDArray latents = inputs.sample().get(":" + pictures);
            latents.attach(run);
            int[] subjects = subjectsOf(pictures, perSubject);
            for (int i = 0; i < walk.timesteps().length; i++) {
              latents = step(denoiser, walk, i, latents, inputs.context(), subjects);
              latents.attach(run);
            }
            return decode(latents);
          }
        });
  }

  private NDArray step(
      Denoiser denoiser, SamplerRun walk, int i, NDArray latents, NDArray context, int[] subjects) {
    double timestep = walk.timesteps()[i];
    try (NDManager scope = compute.scope()) {
      latents.attach(scope);
      float[] times = new float[subjects.length];
      Arrays.fill(times, (float) timestep);
      NDArray input = Guidance.doubled(walk.scaleModelInput(latents, i)); // (2B, Z, h, w)
      UNet.Input step = new UNet.Input(input, scope.create(times), context);
      NDArray out = denoiser.predict(step, timestep, subjects).toType(DataType.FLOAT32, false);
      NDArray next = walk.step(Guidance.combine(out, GUIDANCE), i, latents);
      next.detach();
      return next;
    }
  }

  /** Decodes to pixels and brings them to the host, which waits for them. */
  private float[] decode(NDArray latents) {
    return vae.decode(latents.div(vae.scalingFactor()))
        .toType(DataType.FLOAT32, false)
        .toFloatArray();
  }

  @Override
  public void close() {
    vae.close();
    compute.emptyCache();
  }
}
