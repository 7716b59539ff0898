package io.github.tuneqdm.verify;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tuneqdm.diffusion.NoiseSchedule;
import io.github.tuneqdm.diffusion.PredictionType;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.tensor.Compute;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The forward process of {@code schedulers.safetensors}, bit for bit but for roots. */
final class NoiseTableCheck {
  private static final Pattern BETAS = Pattern.compile("betas\\.(\\w+)");
  private static final Pattern MIN_SNR = Pattern.compile("min_snr_weight\\.(eps|v)\\.gamma(\\d+)");
  private static final String ZERO_SNR = "zero_snr";

  /** A quotient of two roots, each one unit off, squared: four units of float32. */
  static final double ROOTS = 5e-7;

  private static final String STABLE_DIFFUSION =
      "{\"beta_schedule\": \"scaled_linear\", \"beta_start\": 0.00085, \"beta_end\": 0.012";

  private final Compute compute;

  NoiseTableCheck(Compute compute) {
    this.compute = compute;
  }

  void check(GoldenFile g) {
    NoiseSchedule schedule = schedule(STABLE_DIFFUSION + "}");
    for (String name : g.names()) {
      Matcher betas = BETAS.matcher(name);
      if (betas.matches()) {
        NoiseSchedule tables = named(betas.group(1));
        String alphas = "alphas_cumprod." + betas.group(1);
        if (betas.group(1).equals(ZERO_SNR)) { // made of differences of roots
          g.equalUpToRoots(name, tables.betas(), 4e-6);
          g.equalUpToRoots(alphas, tables.alphasCumprod(), ROOTS);
        } else {
          g.equal(name, tables.betas());
          g.equal(alphas, tables.alphasCumprod());
        }
      }
      Matcher weights = MIN_SNR.matcher(name);
      if (weights.matches()) {
        minSnr(g, name, schedule, weights.group(1), Float.parseFloat(weights.group(2)));
      }
    }
    float[] snr = new float[schedule.trainTimesteps()];
    for (int t = 0; t < snr.length; t++) {
      snr[t] = schedule.snr(t);
    }
    g.equalUpToRoots("snr", snr, ROOTS);
    addNoise(g, schedule);
  }

  private static NoiseSchedule schedule(String json) {
    return NoiseSchedule.fromConfig(ModelConfig.parse(json, "a noise schedule").json());
  }

  /** The schedules that the tables are named by; settings left out are diffusers' defaults. */
  private static NoiseSchedule named(String name) {
    return switch (name) {
      case "linear", "squaredcos_cap_v2" -> schedule("{\"beta_schedule\": \"" + name + "\"}");
      case "scaled_linear" -> schedule(STABLE_DIFFUSION + "}");
      case ZERO_SNR -> schedule(STABLE_DIFFUSION + ", \"rescale_betas_zero_snr\": true}");
      default -> throw TuneQdmException.inputData("no noise schedule is called " + name);
    };
  }

  private static void minSnr(
      GoldenFile g, String name, NoiseSchedule schedule, String prediction, float gamma) {
    PredictionType type =
        prediction.equals("v") ? PredictionType.V_PREDICTION : PredictionType.EPSILON;
    float[] weights = new float[schedule.trainTimesteps()];
    for (int t = 0; t < weights.length; t++) {
      weights[t] = schedule.minSnrWeight(t, gamma, type);
    }
    g.equalUpToRoots(name, weights, ROOTS);
  }

  private void addNoise(GoldenFile g, NoiseSchedule schedule) {
    int[] timesteps =
        Arrays.stream(g.longs("add_noise.timesteps")).mapToInt(Math::toIntExact).toArray();
    try (NDManager scope = compute.scope()) {
      NDArray latents = g.array(scope, "add_noise.latents");
      NDArray noise = g.array(scope, "add_noise.noise");
      float[] noisy = schedule.addNoise(latents, noise, timesteps).toFloatArray();
      float[] velocity = schedule.velocity(latents, noise, timesteps).toFloatArray();
      g.equalUpToRoots("add_noise.noisy", noisy, ROOTS);
      g.equalUpToRoots("add_noise.velocity", velocity, ROOTS);
    }
  }
}
