package io.github.tuneqdm.verify;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.JsonNode;
import io.github.tuneqdm.diffusion.Guidance;
import io.github.tuneqdm.diffusion.Sampler;
import io.github.tuneqdm.diffusion.SamplerRun;
import io.github.tuneqdm.diffusion.Samplers;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.models.AutoencoderKL;
import io.github.tuneqdm.models.ClipTextModel;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.sampling.Denoiser;
import io.github.tuneqdm.sampling.ImageSampler;
import io.github.tuneqdm.tensor.Compute;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A whole pipeline from token ids and start latents to a picture: the float UNet with two samplers,
 * and the quantised one with a reference checkpoint. The folder has no tokenizer, so the steps of
 * {@link ImageSampler} are taken here one by one.
 */
final class PipelineCheck {
  private static final double TOLERANCE = 1e-3;
  private static final String LATENTS = ".latents";
  private static final String TUNED = "tuneqdm_";
  private static final String CHECKPOINT = "tuneqdm_state.pt";
  private static final Map<String, String> SAMPLERS = Map.of("dpm2m", "dpm++2m");

  private final Compute compute;
  private final GoldenFolder folder;
  private final GoldenModels models;

  PipelineCheck(Compute compute, GoldenFolder folder, GoldenModels models) {
    this.compute = compute;
    this.folder = folder;
    this.models = models;
  }

  /** One walk of the file, as {@code <name>.latents}. */
  void check(GoldenFile g) {
    String model = g.setting("models").asText();
    parts(g, model);
    for (String name : g.names()) {
      if (name.endsWith(LATENTS)) {
        String walk = name.substring(0, name.length() - LATENTS.length());
        Compute.withGradients(
            false,
            () -> {
              walk(g, model, walk);
              return null;
            });
      }
    }
  }

  /** model_index.json names the classes that the parts' own configurations name. */
  private void parts(GoldenFile g, String model) {
    JsonNode index =
        folder.read(model + "/model_index.json", path -> ModelConfig.read(path).json());
    for (String part : List.of("unet", "vae", "text_encoder", "scheduler")) {
      String file = part.equals("scheduler") ? "scheduler_config.json" : "config.json";
      JsonNode config =
          folder.read(model + "/" + part + "/" + file, path -> ModelConfig.read(path).json());
      String own = config.path("_class_name").asText(config.path("architectures").path(0).asText());
      g.equal("class of " + part, own, index.path(part).path(1).asText());
    }
  }

  private void walk(GoldenFile g, String model, String walk) {
    try (NDManager scope = compute.scope();
        Denoiser denoiser =
            walk.startsWith(TUNED)
                ? tuned(g, model)
                : Denoiser.plain(compute, models.unet(model + "/unet"))) {
      Sampler sampler =
          sampler(model, walk.startsWith(TUNED) ? walk.substring(TUNED.length()) : walk);
      NDArray context = context(g, scope, model);
      List<double[]> path = new ArrayList<>();
      NDArray latents;
      try (SamplerRun run = sampler.start(g.setting("steps").asInt())) {
        double[] timesteps = run.timesteps();
        if (g.has(walk + ".timesteps")) {
          g.within(walk + ".timesteps", timesteps, g.doubles(walk + ".timesteps"), 0);
        }
        latents = g.array(scope, "latents0").mul((float) run.initNoiseSigma());
        path.add(GoldenFile.doubles(latents));
        for (int i = 0; i < timesteps.length; i++) {
          NDArray doubled = Guidance.doubled(run.scaleModelInput(latents, i));
          float t = (float) timesteps[i];
          UNet.Input input = new UNet.Input(doubled, scope.create(new float[] {t, t}), context);
          NDArray out = denoiser.predict(input, timesteps[i], new int[2]);
          NDArray guided = Guidance.combine(out, g.setting("guidance_scale").asDouble());
          latents = run.step(guided, i, latents);
          path.add(GoldenFile.doubles(latents));
        }
      }
      double[] flat = path.stream().flatMapToDouble(Arrays::stream).toArray();
      g.within(walk + LATENTS, flat, g.doubles(walk + LATENTS), TOLERANCE);
      if (g.has(walk + ".image_u8")) {
        try (AutoencoderKL vae = models.vae(model + "/vae")) {
          NDArray decoded = vae.decode(latents.div(vae.scalingFactor()));
          byte[] picture = ImageSampler.toImages(decoded).get(0).rgb();
          g.withinOneGreyLevel(walk + ".image_u8", picture, PicturesCheck.SHARE);
        }
      }
    }
  }

  private Sampler sampler(String model, String name) {
    JsonNode config = folder.read(model + "/scheduler/scheduler_config.json", Samplers::readConfig);
    String known = SAMPLERS.getOrDefault(name, name);
    if (!Samplers.names().contains(known)) {
      throw TuneQdmException.inputData("no sampler is called " + name);
    }
    return Samplers.named(known, config);
  }

  private Denoiser tuned(GoldenFile g, String model) {
    OfficialCheckpoint checkpoint = OfficialCheckpoint.read(folder, CHECKPOINT);
    QuantisedUNet quantised = QuantisedUNet.of(folder, model + "/unet", checkpoint.quantizer());
    checkpoint.requireSameBase(g, quantised);
    TunableUNet network = quantised.open(compute);
    return Denoiser.tuned(
        compute,
        network,
        List.of(checkpoint.scales(network.layout())),
        checkpoint.config().timesteps());
  }

  /** Text states (2, L, D), unconditional first. */
  private NDArray context(GoldenFile g, NDManager scope, String model) {
    try (ClipTextModel text = models.textEncoder(model + "/text_encoder")) {
      NDArray none = text.forward(scope, List.of(ids(g, "uncond_input_ids"))).lastHiddenState();
      NDArray some = text.forward(scope, List.of(ids(g, "input_ids"))).lastHiddenState();
      return none.concat(some, 0);
    }
  }

  private static int[] ids(GoldenFile g, String name) {
    return Arrays.stream(g.longs(name)).mapToInt(Math::toIntExact).toArray();
  }
}
