package io.github.tuneqdm.diffusion;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tuneqdm.error.TuneQdmException;
import java.nio.file.Path;
import java.util.List;

/**
 * Makes samplers from a model's scheduler_config.json, in the way of diffusers: a key that is
 * absent takes the default of the scheduler that is made, not of the one the file was saved by.
 */
public final class Samplers {
  private static final List<String> NAMES =
      List.of("ddpm", "ddim", "pndm", "dpm++2m", "dpm++2m-karras", "euler", "unipc");

  private Samplers() {}

  /** The names {@link #named} knows. */
  public static List<String> names() {
    return NAMES;
  }

  /**
   * Reads a scheduler_config.json, for {@link #named} and {@link NoiseSchedule#fromConfig}.
   *
   * @throws TuneQdmException when it is missing, no JSON object or has an unknown setting
   */
  public static JsonNode readConfig(Path schedulerConfigJson) {
    return SchedulerConfig.parse(schedulerConfigJson);
  }

  /**
   * The sampler the model was saved with, by its {@code _class_name}.
   *
   * @throws TuneQdmException when the class or one of its settings is not supported
   */
  public static Sampler fromConfig(JsonNode config) {
    SchedulerConfig settings = SchedulerConfig.of(config);
    return switch (settings.className()) {
      case "DDPMScheduler" -> DdpmSampler.fromConfig(settings);
      case "DDIMScheduler" -> DdimSampler.fromConfig(settings);
      case "PNDMScheduler" -> PndmSampler.fromConfig(settings);
      case "DPMSolverMultistepScheduler" -> DpmSolverSampler.fromConfig(settings);
      case "EulerDiscreteScheduler" -> EulerSampler.fromConfig(settings);
      case "UniPCMultistepScheduler" -> UniPcSampler.fromConfig(settings);
      default ->
          throw TuneQdmException.inputData(
              "Cannot use the scheduler config: _class_name \""
                  + settings.className()
                  + "\" is not one of DDPMScheduler, DDIMScheduler, PNDMScheduler,"
                  + " DPMSolverMultistepScheduler, EulerDiscreteScheduler, UniPCMultistepScheduler"
                  + " (name a sampler in the configuration instead)");
    };
  }

  /**
   * A sampler by name on the noise schedule of a model's config, which may have been saved by
   * another scheduler.
   *
   * @param name one of {@link #names}
   * @throws TuneQdmException when the name is unknown or a setting is not supported
   */
  public static Sampler named(String name, JsonNode baseConfig) {
    SchedulerConfig settings = SchedulerConfig.of(baseConfig);
    return switch (name) {
      case "ddpm" -> DdpmSampler.fromConfig(settings);
      case "ddim" -> DdimSampler.fromConfig(settings);
      case "pndm" -> PndmSampler.fromConfig(settings);
      case "dpm++2m" -> DpmSolverSampler.fromConfig(settings);
      case "dpm++2m-karras" -> DpmSolverSampler.fromConfig(settings).withKarras();
      case "euler" -> EulerSampler.fromConfig(settings);
      case "unipc" -> UniPcSampler.fromConfig(settings);
      default ->
          throw TuneQdmException.usage(
              "Cannot sample with \"" + name + "\": the samplers are " + String.join(", ", NAMES));
    };
  }
}
