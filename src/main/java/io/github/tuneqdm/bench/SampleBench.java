package io.github.tuneqdm.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import io.github.tuneqdm.diffusion.Guidance;
import io.github.tuneqdm.diffusion.Sampler;
import io.github.tuneqdm.diffusion.SamplerRun;
import io.github.tuneqdm.diffusion.Samplers;
import io.github.tuneqdm.models.AutoencoderKL;
import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.sampling.Denoiser;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.PhiloxRandom;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Times the making of pictures: every picture of a batch belongs to another subject; DDIM with
 * guidance, then the decoder. Dimensions: B pictures, Z latent channels, h x w latent pixels.
 */
public final class SampleBench implements AutoCloseable {
  private static final int TIMESTEPS = 1000;
  private static final double GUIDANCE = 7.5;

  private final Compute compute;
  private final RandomModel model;
  private final int bits;
  private final int experts;
  private final long baseline;
  private final Sampler sampler;
  private final AutoencoderKL vae;

  public SampleBench(Compute compute, RandomModel model, int bits, int experts) {
    this.compute = compute;
    this.model = model;
    this.bits = bits;
    this.experts = experts;
    this.baseline = DeviceMemory.baseline(compute);
    this.sampler = Samplers.named("ddim", model.scheduler());
    this.vae = model.autoencoder(compute);
  }

  /**
   * Times batches of {@code pictures}.
   *
   * @param steps denoising steps a picture
   * @param sections batches timed, after one more
   */
  public BenchRow run(int pictures, int steps, int sections) {
    TunableUNet network = model.tunableUnet(compute, new QuantizerSettings(bits, false));
    DeltaScales scales = DeltaScales.initial(network, experts);
    List<DeltaScales> subjects = Collections.nCopies(pictures, scales);
    int features = network.unet().config().crossAttentionDims().get(0);
    try (Denoiser denoiser = Denoiser.tuned(compute, network, subjects, TIMESTEPS)) {
      DeviceMemory.emptyCache(compute);
      long resident = DeviceMemory.used(compute.device());
      try (DeviceMemory memory = DeviceMemory.watch(compute.device())) {
        Timings.Work batch = () -> sample(denoiser, pictures, steps, features);
        batch.run();
        Timings t = Timings.of(sections, 1, batch);
        double perSecond = 1000 * pictures / t.median();
        return new BenchRow(
            "sample",
            pictures,
            1,
            bits,
            compute.precision().toString(),
            t.median(),
            t.min(),
            t.max(),
            perSecond,
            perSecond * steps,
            resident - baseline,
            memory.peak() - baseline,
            perSecond * steps * 2 * model.forwardTeraFlop());
      }
    }
  }

  private void sample(Denoiser denoiser, int pictures, int steps, int features) {
    Compute.withGradients(
        false,
        () -> {
          try (NDManager run = compute.scope();
              SamplerRun walk = sampler.start(steps)) {
            NDArray context = context(run, 2 * pictures, features);
            int[] subjects = new int[2 * pictures];
            Arrays.setAll(subjects, b -> b % pictures);
            NDArray latents = noise(run, pictures);
            double[] timesteps = walk.timesteps();
            for (int i = 0; i < timesteps.length; i++) {
              latents = step(denoiser, walk, i, latents, context, subjects);
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

  private NDArray noise(NDManager owner, int pictures) {
    int side = model.latentSide();
    float[] values =
        PhiloxRandom.of(1, "bench/start", 0).normals(pictures * vae.latentChannels() * side * side);
    return Compute.floats(owner, values, pictures, vae.latentChannels(), side, side);
  }

  private NDArray context(NDManager owner, int rows, int features) {
    float[] values =
        PhiloxRandom.of(1, "bench/text", 0).normals(rows * model.textLength() * features);
    return compute.weights(owner, values, rows, model.textLength(), features);
  }

  @Override
  public void close() {
    vae.close();
    DeviceMemory.emptyCache(compute);
  }
}
