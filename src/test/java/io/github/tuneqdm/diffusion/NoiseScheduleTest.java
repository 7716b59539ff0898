package io.github.tuneqdm.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tuneqdm.GoldenTensors;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NoiseScheduleTest {
  private static final String SD = "\"beta_start\": 0.00085, \"beta_end\": 0.012";
  private final GoldenTensors goldens = GoldenTensors.open("schedulers.safetensors");

  @ParameterizedTest
  @CsvSource({
    "linear, 'beta_schedule: linear'",
    "scaled_linear, 'beta_schedule: scaled_linear, beta_start: 0.00085, beta_end: 0.012'",
    "squaredcos_cap_v2, 'beta_schedule: squaredcos_cap_v2'",
    "zero_snr, 'beta_schedule: scaled_linear, beta_start: 0.00085, beta_end: 0.012,"
        + " rescale_betas_zero_snr: true'"
  })
  void tablesEqualDiffusers(String name, String settings) {
    NoiseSchedule schedule = NoiseSchedule.fromConfig(config(settings));

    float[] betas = goldens.floats("betas." + name);
    float[] alphas = goldens.floats("alphas_cumprod." + name);
    if (name.equals("zero_snr")) { // differences of roots
      assertThat(schedule.betas()).usingComparatorWithPrecision(4e-6f).containsExactly(betas);
      Roots.assertEqual(schedule.alphasCumprod(), alphas);
    } else {
      assertThat(schedule.betas()).isEqualTo(betas);
      assertThat(schedule.alphasCumprod()).isEqualTo(alphas);
    }
  }

  @Test
  void trainedBetasAreTakenAsTheyStand() {
    NoiseSchedule schedule =
        NoiseSchedule.fromConfig(
            json("{\"num_train_timesteps\": 2, \"trained_betas\": [0.5, 0.25]}"));

    assertThat(schedule.alphasCumprod()).containsExactly(0.5f, 0.375f);
  }

  @Test
  void signalToNoiseAndMinSnrWeightsEqualTheGoldens() {
    NoiseSchedule schedule = stableDiffusion();
    float[] snr = goldens.floats("snr");

    for (int t = 0; t < schedule.trainTimesteps(); t++) {
      Roots.assertEqual(schedule.snr(t), snr[t]);
    }
    for (int gamma : new int[] {1, 5}) {
      float[] epsilon = goldens.floats("min_snr_weight.eps.gamma" + gamma);
      float[] velocity = goldens.floats("min_snr_weight.v.gamma" + gamma);
      for (int t = 0; t < schedule.trainTimesteps(); t++) {
        Roots.assertEqual(schedule.minSnrWeight(t, gamma), epsilon[t]);
        Roots.assertEqual(
            schedule.minSnrWeight(t, gamma, PredictionType.V_PREDICTION), velocity[t]);
      }
    }
  }

  @Test
  void minSnrWeightOfPureNoiseIsItsLimit() {
    NoiseSchedule schedule =
        NoiseSchedule.fromConfig(
            config("rescale_betas_zero_snr: true, prediction_type: v_prediction"));

    assertThat(schedule.snr(999)).isZero();
    assertThat(schedule.minSnrWeight(999, 5)).isEqualTo(2f);
  }

  @Test
  void noisySamplesAndVelocitiesTakeATimestepPerSample() {
    NoiseSchedule schedule = stableDiffusion();
    double[] wide = goldens.doubles("add_noise.timesteps");
    int[] timesteps = new int[wide.length];
    for (int i = 0; i < wide.length; i++) {
      timesteps[i] = (int) wide[i];
    }
    Shape shape = new Shape(goldens.shape("add_noise.latents"));
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch")) {
      NDArray latents = manager.create(goldens.floats("add_noise.latents"), shape);
      NDArray noise = manager.create(goldens.floats("add_noise.noise"), shape);

      NDArray noisy = schedule.addNoise(latents, noise, timesteps);
      NDArray velocity = schedule.velocity(latents, noise, timesteps);

      Roots.assertEqual(noisy.toFloatArray(), goldens.floats("add_noise.noisy"));
      Roots.assertEqual(velocity.toFloatArray(), goldens.floats("add_noise.velocity"));
      assertThat(noisy.getManager()).isSameAs(manager);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "beta_schedule: sigmoid",
        "prediction_type: flow_prediction",
        "beta_start: 2.0",
        "num_train_timesteps: 0",
        "num_train_timesteps: 10.5",
        "trained_betas: 3",
        "rescale_betas_zero_snr: 1",
        "beta_strat: 0.1",
        "predict_epsilon: false"
      })
  void settingsThatCannotBeHonouredAreRefusedByName(String setting) {
    assertThatThrownBy(() -> NoiseSchedule.fromConfig(config(setting)))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining(setting.substring(0, setting.indexOf(':')))
        .extracting(e -> ((TuneQdmException) e).exitCode())
        .isEqualTo(ExitCode.INPUT_DATA);
  }

  @Test
  void missingFileIsNamed() {
    assertThatThrownBy(() -> NoiseSchedule.fromConfig(Path.of("nowhere/scheduler_config.json")))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("nowhere/scheduler_config.json");
  }

  private static NoiseSchedule stableDiffusion() {
    return NoiseSchedule.fromConfig(json("{\"beta_schedule\": \"scaled_linear\", " + SD + "}"));
  }

  /** {@code "a: 1, b: x"} as a JSON object; words become strings. */
  static JsonNode config(String settings) {
    StringBuilder json = new StringBuilder("{");
    for (String setting : settings.split(", ")) {
      String[] pair = setting.split(": ");
      boolean literal = pair[1].matches("-?[0-9.]+|true|false|null");
      json.append(json.length() > 1 ? "," : "")
          .append('"')
          .append(pair[0])
          .append("\":")
          .append(literal ? pair[1] : '"' + pair[1] + '"');
    }
    return json(json.append('}').toString());
  }

  static JsonNode json(String text) {
    try {
      return new ObjectMapper().readTree(text);
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
