package io.github.tuneqdm.verify;

import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import io.github.tuneqdm.diffusion.Samplers;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.models.Models;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.sampling.Denoiser;
import io.github.tuneqdm.sampling.ImageSampler;
import io.github.tuneqdm.sampling.SampleRequest;
import io.github.tuneqdm.sampling.SamplingSettings;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.TorchNoise;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Pictures that diffusers made from a prompt and a seed with the base model of {@code --base},
 * through {@link ImageSampler}.
 */
final class PicturesCheck {
  /** Of a picture's values, which must be within one grey level. */
  static final double SHARE = 0.995;

  private static final double TOLERANCE = 1e-3;
  private static final String IMAGE = ".image_u8";
  private static final Map<String, String> SAMPLERS =
      Map.of(
          "DDPMScheduler", "ddpm",
          "DDIMScheduler", "ddim",
          "PNDMScheduler", "pndm",
          "DPMSolverMultistepScheduler", "dpm++2m",
          "EulerDiscreteScheduler", "euler",
          "UniPCMultistepScheduler", "unipc");

  private final Compute compute;
  private final Optional<PipelineFolder> base;

  PicturesCheck(Compute compute, Optional<PipelineFolder> base) {
    this.compute = compute;
    this.base = base;
  }

  void check(GoldenFile g) {
    PipelineFolder folder =
        base.orElseThrow(
            () ->
                TuneQdmException.inputData(
                    "Cannot check " + g.name() + " without its base model (--base FOLDER)"));
    for (String name : g.names()) {
      if (name.endsWith(IMAGE)) {
        picture(g, folder, name.substring(0, name.length() - IMAGE.length()));
      }
    }
  }

  private void picture(GoldenFile g, PipelineFolder folder, String name) {
    JsonNode how = g.setting(name);
    String prompt = how.path("prompt").asText();
    long seed = how.path("seed").asLong();
    int[] ids = folder.tokenizer().encode(prompt, g.longs(name + ".input_ids").length);
    g.equal(name + ".input_ids", Arrays.stream(ids).asLongStream().toArray());

    float[] noise = g.floats(name + ".start_noise");
    Shape shape = new Shape(g.tensor(name + ".start_noise").shape());
    try (var scope = compute.scope()) {
      g.equal(name + ".start_noise", TorchNoise.startLatent(scope, seed, shape).toFloatArray());
    }

    RgbImage expected = g.image(name + IMAGE);
    SamplingSettings settings =
        new SamplingSettings(
            sampler(how.path("scheduler").asText()),
            how.path("steps").asInt(),
            how.path("guidance_scale").asDouble(),
            expected.width());
    List<double[]> latents = new ArrayList<>();
    try (ImageSampler sampler =
        new ImageSampler(
            compute,
            folder,
            Denoiser.plain(compute, Models.unet(compute, folder.unet())),
            settings)) {
      RgbImage picture =
          sampler
              .sample(
                  List.of(new SampleRequest(0, prompt, seed)),
                  (step, values) -> latents.add(GoldenFile.doubles(values)))
              .get(0);
      g.withinOneGreyLevel(name + IMAGE, picture.rgb(), SHARE);
    }
    start(g, folder, name, settings, noise, latents.get(0));
    g.within(
        name + ".first_latents", latents.get(1), g.doubles(name + ".first_latents"), TOLERANCE);
    g.within(
        name + ".final_latents",
        latents.get(latents.size() - 1),
        g.doubles(name + ".final_latents"),
        TOLERANCE);
  }

  /** The sampler starts from the noise times its own first noise level. */
  private static void start(
      GoldenFile g,
      PipelineFolder folder,
      String name,
      SamplingSettings settings,
      float[] noise,
      double[] latents) {
    float level;
    try (var run =
        Samplers.named(settings.sampler(), folder.schedulerConfig().json())
            .start(settings.steps())) {
      level = (float) run.initNoiseSigma();
    }
    double[] scaled = new double[noise.length];
    Arrays.setAll(scaled, i -> noise[i] * level);
    g.within(name + " start latents", latents, scaled, 0);
  }

  private static String sampler(String className) {
    String name = SAMPLERS.get(className);
    if (name == null) {
      throw TuneQdmException.inputData("no sampler is known for the class " + className);
    }
    return name;
  }
}
