package io.github.tuneqdm.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tuneqdm.GoldenTensors;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerSettingsTest {
  private static final Path TOYWORLD =
      Path.of("src/demo/toyworld/base/scheduler/scheduler_config.json");
  private final GoldenTensors goldens = GoldenTensors.open("schedulers.safetensors");
  private final JsonNode base = Samplers.readConfig(TOYWORLD);

  @ParameterizedTest
  @CsvSource({
    "ddim, ddim",
    "pndm, pndm_sd14",
    "dpm++2m, dpm2m",
    "dpm++2m-karras, dpm2m_karras",
    "euler, euler",
    "unipc, unipc"
  })
  void namedSamplersOnAPndmConfigPlanLikeDiffusersFromConfig(String name, String stored) {
    for (int steps : new int[] {10, 50}) {
      try (SamplerRun run = Samplers.named(name, base).start(steps)) {
        String key = stored + "." + steps + ".";
        Roots.assertEqual(run.timesteps(), goldens.doubles(key + "timesteps"));
        if (run.sigmas().length > 0) {
          Roots.assertEqual(run.sigmas(), goldens.floats(key + "sigmas"));
        }
        Roots.assertEqual(
            run.initNoiseSigma(), goldens.info().get(key + "init_noise_sigma").doubleValue());
      }
    }
  }

  @Test
  void absentKeysTakeTheDefaultsOfTheSamplerMade() {
    JsonNode bare = NoiseScheduleTest.json("{}");

    DdimSampler ddim = (DdimSampler) Samplers.named("ddim", bare);
    assertThat(ddim.clipRange()).isEqualTo(1);
    assertThat(ddim.setAlphaToOne()).isTrue();
    assertThat(ddim.spacing()).isEqualTo(TimestepSpacing.LEADING);
    assertThat(ddim.eta()).isZero();
    PndmSampler pndm = (PndmSampler) Samplers.named("pndm", bare);
    assertThat(pndm.setAlphaToOne()).isFalse();
    assertThat(pndm.skipPrkSteps()).isFalse();
    assertThat(pndm.spacing()).isEqualTo(TimestepSpacing.LEADING);
    assertThat(((DdpmSampler) Samplers.named("ddpm", bare)).variance())
        .isEqualTo(DdpmSampler.Variance.FIXED_SMALL);
    assertThat(((DpmSolverSampler) Samplers.named("dpm++2m", bare)).spacing())
        .isEqualTo(TimestepSpacing.LINSPACE);
    assertThat(((EulerSampler) Samplers.named("euler", bare)).spacing())
        .isEqualTo(TimestepSpacing.LINSPACE);
    assertThat(((UniPcSampler) Samplers.named("unipc", bare)).spacing())
        .isEqualTo(TimestepSpacing.LINSPACE);
  }

  @Test
  void keysThatAConfigMarksAsDefaultsAreNotCarriedOver() {
    JsonNode config =
        NoiseScheduleTest.json(
            "{\"timestep_spacing\": \"leading\", \"_use_default_values\": [\"timestep_spacing\"]}");

    assertThat(((EulerSampler) Samplers.named("euler", config)).spacing())
        .isEqualTo(TimestepSpacing.LINSPACE);
  }

  @ParameterizedTest
  @CsvSource({
    "ddpm, thresholding: true",
    "ddpm, variance_type: learned_range",
    "ddim, thresholding: true",
    "ddim, clip_sample_range: -1",
    "ddim, timestep_spacing: random",
    "ddim, steps_offset: -1",
    "pndm, prediction_type: sample",
    "pndm, rescale_betas_zero_snr: true",
    "dpm++2m, algorithm_type: sde-dpmsolver++",
    "dpm++2m, solver_type: heun",
    "dpm++2m, solver_order: 3",
    "dpm++2m, use_lu_lambdas: true",
    "dpm++2m, use_beta_sigmas: true",
    "dpm++2m, use_exponential_sigmas: true",
    "dpm++2m, use_flow_sigmas: true",
    "dpm++2m, variance_type: learned",
    "dpm++2m, final_sigmas_type: max",
    "euler, interpolation_type: log_linear",
    "euler, timestep_type: continuous",
    "euler, sigma_min: 0.1",
    "unipc, predict_x0: false",
    "unipc, solver_order: 3",
    "unipc, solver_p: x",
    "unipc, lower_order_final: false",
    "unipc, use_dynamic_shifting: true"
  })
  void unsupportedSettingsAreRefusedByName(String sampler, String setting) {
    assertThatThrownBy(() -> Samplers.named(sampler, NoiseScheduleTest.config(setting)))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining(setting.substring(0, setting.indexOf(':')))
        .extracting(e -> ((TuneQdmException) e).exitCode())
        .isEqualTo(ExitCode.INPUT_DATA);
  }

  @Test
  void settingsOfOtherSamplersAreIgnored() {
    JsonNode config = NoiseScheduleTest.config("use_lu_lambdas: true, variance_type: learned");

    assertThat(Samplers.named("euler", config)).isInstanceOf(EulerSampler.class);
  }

  @Test
  void unknownSamplersAndClassesAreRefused() {
    assertThatThrownBy(() -> Samplers.named("heun", base))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("dpm++2m-karras")
        .extracting(e -> ((TuneQdmException) e).exitCode())
        .isEqualTo(ExitCode.USAGE);
    assertThatThrownBy(
            () -> Samplers.fromConfig(NoiseScheduleTest.config("_class_name: HeunScheduler")))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("HeunScheduler");
    assertThatThrownBy(() -> Samplers.fromConfig(NoiseScheduleTest.json("[]")))
        .isInstanceOf(TuneQdmException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ddpm", "ddim", "pndm", "dpm++2m", "dpm++2m-karras", "euler", "unipc"})
  void stepCountsThatDoNotFitAreRefused(String name) {
    for (int steps : new int[] {-1, 0, 1001, Integer.MAX_VALUE}) {
      assertThatThrownBy(() -> Samplers.named(name, base).start(steps))
          .isInstanceOf(TuneQdmException.class)
          .hasMessageContaining("Cannot sample in " + steps + " steps");
    }
    try (SamplerRun run = Samplers.named(name, base).start(1)) {
      assertThat(run.timesteps()).hasSize(1);
    }
  }

  @Test
  void timestepsPastTheLastTrainedOneAreRefused() {
    // 1000 steps, one apart and shifted by steps_offset 1, would ask for timestep 1000
    assertThatThrownBy(() -> Samplers.named("ddim", base).start(1000))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("1000 timesteps");
  }

  @Test
  void trailingSpacingHasAsManyStepsAsAskedFor() {
    Sampler sampler =
        Samplers.named("ddim", NoiseScheduleTest.config("timestep_spacing: trailing"));
    for (int steps = 1; steps <= 1000; steps++) {
      double[] timesteps = sampler.timesteps(steps);
      assertThat(timesteps).hasSize(steps);
      assertThat(timesteps[steps - 1]).isNotNegative();
    }
  }

  @Test
  void epsilonModelsCannotStartFromZeroSignal() {
    JsonNode config =
        NoiseScheduleTest.config("rescale_betas_zero_snr: true, timestep_spacing: trailing");

    assertThatThrownBy(() -> Samplers.named("ddim", config).start(10))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("v_prediction");
  }

  @Test
  void multistepSamplersInsistOnTheirOrder() {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");
        SamplerRun run = Samplers.named("pndm", base).start(10)) {
      NDArray x = manager.ones(new Shape(1, 4, 2, 2));

      assertThatThrownBy(() -> run.step(x, 1, x)).isInstanceOf(IllegalStateException.class);
      run.step(x, 0, x);
      assertThatThrownBy(() -> run.step(x, 0, x)).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void stochasticStepsInsistOnNoise() {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");
        SamplerRun run = Samplers.named("ddpm", base).start(10)) {
      NDArray x = manager.ones(new Shape(1, 4, 2, 2));

      assertThat(run.needsNoise(0)).isTrue();
      assertThatThrownBy(() -> run.step(x, 0, x)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "ddpm, 10",
    "ddim, 10",
    "dpm++2m, 10",
    "dpm++2m-karras, 20",
    "euler, 10",
    "unipc, 20"
  })
  void theThreePredictionTypesAreTheSameModelInOtherWords(String name, int steps) {
    double[] epsilon = finalSample(name, PredictionType.EPSILON, steps);

    for (PredictionType type : PredictionType.values()) {
      double[] other = finalSample(name, type, steps);
      for (int i = 0; i < epsilon.length; i++) {
        assertThat(other[i]).as(type.configName()).isCloseTo(epsilon[i], within(2e-5));
      }
    }
  }

  /** Samples with {@code eps(x, t) = 0.1 x + sin(t)}, told as eps, x0 or velocity. */
  private double[] finalSample(String name, PredictionType type, int steps) {
    ObjectNode config = base.deepCopy();
    config.put("prediction_type", type.configName());
    Sampler sampler = Samplers.named(name, config);
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");
        SamplerRun run = sampler.start(steps)) {
      NDArray noise = manager.create(new double[] {0.4, -1.2, 0.7, 2.1}, new Shape(1, 4, 1, 1));
      NDArray x = noise.mul(manager.create(run.initNoiseSigma()));
      for (int i = 0; i < run.timesteps().length; i++) {
        double t = run.timesteps()[i];
        NDArray input = run.scaleModelInput(x, i);
        NDArray eps = input.mul(manager.create(0.1)).add(manager.create(Math.sin(t)));
        double a;
        double s;
        if (run.sigmas().length > 0) {
          a = 1 / Math.hypot(run.sigmas()[i], 1);
          s = run.sigmas()[i] * a;
        } else {
          a = sampler.schedule().signalScale((int) t);
          s = sampler.schedule().noiseScale((int) t);
        }
        NDArray x0 = input.sub(eps.mul(manager.create(s))).div(manager.create(a));
        NDArray velocity = eps.mul(manager.create(a)).sub(x0.mul(manager.create(s)));
        NDArray output =
            switch (type) {
              case EPSILON -> eps;
              case SAMPLE -> x0;
              case V_PREDICTION -> velocity;
            };
        x = run.step(output, i, x, noise);
      }
      return x.toDoubleArray();
    }
  }
}
