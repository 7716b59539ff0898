package io.github.tuneqdm.sampling;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import io.github.tuneqdm.diffusion.Guidance;
import io.github.tuneqdm.diffusion.Sampler;
import io.github.tuneqdm.diffusion.SamplerRun;
import io.github.tuneqdm.diffusion.Samplers;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.models.AutoencoderKL;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.parallel.Background;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.PhiloxRandom;
import io.github.tuneqdm.tensor.TorchNoise;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * diffusers' {@code StableDiffusionPipeline}, for batches that mix subjects, prompts and seeds.
 * Dimensions: B pictures, Z latent channels, h x w latent pixels, L tokens, D text features.
 */
public final class ImageSampler implements AutoCloseable {

  /** Sees the latents before the first step and after each one; (B, Z, h, w). */
  @FunctionalInterface
  public interface LatentTap {
    void show(int step, NDArray latents);
  }

  /** Takes a batch's pictures, in order; called on another thread, batch after batch. */
  @FunctionalInterface
  public interface PictureSink {
    void take(int batch, List<RgbImage> pictures);
  }

  private static final int BATCHES_BEHIND = 2;

  private final Compute compute;
  private final PipelineFolder base;
  private final Denoiser denoiser;
  private final SamplingSettings settings;
  private final Sampler sampler;
  private final AutoencoderKL vae;
  private final Map<String, float[]> textStates = new HashMap<>();

  /** Owns {@code denoiser} from now on. */
  public ImageSampler(
      Compute compute, PipelineFolder base, Denoiser denoiser, SamplingSettings settings) {
    this.compute = compute;
    this.base = base;
    this.denoiser = denoiser;
    this.settings = settings;
    this.sampler = Samplers.named(settings.sampler(), base.schedulerConfig().json());
    this.vae = base.vae(compute);
    if (settings.resolution() % vae.downscale() != 0) {
      close();
      throw TuneQdmException.usage(
          "Cannot sample at "
              + settings.resolution()
              + " pixels: the VAE needs a multiple of "
              + vae.downscale()
              + " (tuneqdm.data.resolution)");
    }
  }

  /** Makes the pictures of one batch, in order. */
  public List<RgbImage> sample(List<SampleRequest> requests) {
    return sample(requests, (step, latents) -> {});
  }

  public List<RgbImage> sample(List<SampleRequest> requests, LatentTap tap) {
    encodeTexts(requests);
    return pixels(requests, tap).toImages();
  }

  /**
   * Makes the pictures of several batches. Texts are encoded once for all; what {@code sink} does
   * with a batch, it does while the device is at the next.
   */
  public void sample(List<List<SampleRequest>> batches, PictureSink sink) {
    encodeTexts(batches.stream().flatMap(List::stream).toList());
    try (Background background = new Background(BATCHES_BEHIND)) {
      for (int i = 0; i < batches.size(); i++) {
        int batch = i;
        Pixels pixels = pixels(batches.get(i), (step, latents) -> {});
        background.run(() -> sink.take(batch, pixels.toImages()));
      }
    }
  }

  private Pixels pixels(List<SampleRequest> requests, LatentTap tap) {
    return Compute.withGradients(
        false,
        () -> {
          try (NDManager run = compute.scope()) {
            NDArray latents = denoise(run, requests, tap);
            return Pixels.of(vae.decode(latents.div(vae.scalingFactor())));
          }
        });
  }

  private void encodeTexts(List<SampleRequest> requests) {
    Set<String> unknown = new LinkedHashSet<>();
    if (guided()) {
      unknown.add("");
    }
    requests.forEach(r -> unknown.add(r.prompt()));
    unknown.removeAll(textStates.keySet());
    if (!unknown.isEmpty()) {
      List<String> prompts = List.copyOf(unknown);
      List<float[]> states = base.encode(compute, prompts);
      for (int i = 0; i < prompts.size(); i++) {
        textStates.put(prompts.get(i), states.get(i));
      }
    }
  }

  private boolean guided() {
    return settings.guidance() > 1;
  }

  private NDArray denoise(NDManager run, List<SampleRequest> requests, LatentTap tap) {
    int batch = requests.size();
    int copies = guided() ? 2 : 1;
    NDArray context = context(run, requests); // (copies B, L, D), unconditional first
    int[] subjects = new int[copies * batch];
    for (int b = 0; b < subjects.length; b++) {
      subjects[b] = requests.get(b % batch).subject();
    }
    try (SamplerRun walk = sampler.start(settings.steps())) {
      NDArray latents = startLatents(run, requests).mul((float) walk.initNoiseSigma());
      tap.show(0, latents);
      double[] timesteps = walk.timesteps();
      for (int i = 0; i < timesteps.length; i++) {
        try (NDManager scope = compute.scope()) {
          latents.attach(scope);
          NDArray input = walk.scaleModelInput(latents, i);
          NDArray doubled = guided() ? Guidance.doubled(input) : input;
          float[] t = new float[copies * batch];
          Arrays.fill(t, (float) timesteps[i]);
          UNet.Input step = new UNet.Input(doubled, scope.create(t), context);
          NDArray out =
              denoiser.predict(step, timesteps[i], subjects).toType(DataType.FLOAT32, false);
          NDArray guidedOut = guided() ? Guidance.combine(out, settings.guidance()) : out;
          NDArray noise = walk.needsNoise(i) ? stepNoise(scope, requests, i) : null;
          latents = walk.step(guidedOut, i, latents, noise);
          latents.attach(run);
          tap.show(i + 1, latents);
        }
      }
      return latents;
    }
  }

  private NDArray context(NDManager run, List<SampleRequest> requests) {
    List<float[]> rows = new ArrayList<>();
    if (guided()) {
      requests.forEach(r -> rows.add(textStates.get("")));
    }
    requests.forEach(r -> rows.add(textStates.get(r.prompt())));
    int size = rows.get(0).length;
    float[] all = new float[rows.size() * size];
    for (int i = 0; i < rows.size(); i++) {
      System.arraycopy(rows.get(i), 0, all, i * size, size);
    }
    int features = base.unetConfig().sizes("cross_attention_dim", 1, 1280).get(0);
    return compute.weights(run, all, rows.size(), size / features, features);
  }

  private int side() {
    return settings.resolution() / vae.downscale();
  }

  private NDArray startLatents(NDManager run, List<SampleRequest> requests) {
    int size = vae.latentChannels() * side() * side();
    float[] all = new float[requests.size() * size];
    for (int b = 0; b < requests.size(); b++) {
      System.arraycopy(TorchNoise.normals(requests.get(b).seed(), size), 0, all, b * size, size);
    }
    return Compute.floats(run, all, requests.size(), vae.latentChannels(), side(), side());
  }

  /** Fresh noise of stochastic samplers, from each picture's own seed. */
  private NDArray stepNoise(NDManager scope, List<SampleRequest> requests, int step) {
    int size = vae.latentChannels() * side() * side();
    float[] all = new float[requests.size() * size];
    for (int b = 0; b < requests.size(); b++) {
      float[] own = PhiloxRandom.of(requests.get(b).seed(), "step noise", step).normals(size);
      System.arraycopy(own, 0, all, b * size, size);
    }
    return Compute.floats(scope, all, requests.size(), vae.latentChannels(), side(), side());
  }

  /**
   * {@code round(255 * clamp(x / 2 + 1/2))}, halves to even, as diffusers writes pictures.
   *
   * @param pictures (B, 3, H, W), from -1 to 1
   */
  public static List<RgbImage> toImages(NDArray pictures) {
    return Pixels.of(pictures).toImages();
  }

  /** Pictures (B, 3, H, W) on the host, from -1 to 1. */
  private record Pixels(int batch, int height, int width, float[] values) {

    static Pixels of(NDArray pictures) {
      long[] shape = pictures.getShape().getShape();
      float[] values = pictures.toType(DataType.FLOAT32, false).toFloatArray();
      return new Pixels((int) shape[0], (int) shape[2], (int) shape[3], values);
    }

    List<RgbImage> toImages() {
      int plane = height * width;
      List<RgbImage> images = new ArrayList<>();
      for (int b = 0; b < batch; b++) {
        byte[] rgb = new byte[3 * plane];
        for (int c = 0; c < 3; c++) {
          int from = (3 * b + c) * plane;
          for (int i = 0; i < plane; i++) {
            float unit = Math.min(1, Math.max(0, values[from + i] / 2 + 0.5f));
            rgb[3 * i + c] = (byte) Math.rint(unit * 255);
          }
        }
        images.add(new RgbImage(width, height, rgb));
      }
      return images;
    }
  }

  @Override
  public void close() {
    denoiser.close();
    vae.close();
  }
}
