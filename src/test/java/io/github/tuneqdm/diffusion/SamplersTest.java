package io.github.tuneqdm.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.GoldenTensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Walks every stored scheduler with the model {@code eps(x, t) = 0.1 x + sin(t)}. */
class SamplersTest {
  private static final Path CONFIGS = Path.of("src/test/goldens/schedulers");
  private static final List<String> STORED =
      List.of(
          "ddim",
          "ddim_clip",
          "ddim_eta1",
          "ddim_trailing",
          "ddim_v",
          "ddpm",
          "ddpm_cifar",
          "dpm2m",
          "dpm2m_karras",
          "dpm2m_leading",
          "dpm2m_v",
          "euler",
          "euler_karras",
          "euler_leading",
          "pndm_prk",
          "pndm_sd14",
          "pndm_v",
          "unipc",
          "unipc_leading");

  private final GoldenTensors goldens = GoldenTensors.open("schedulers.safetensors");
  private final NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");

  @AfterEach
  void freeTensors() {
    manager.close();
  }

  @ParameterizedTest
  @MethodSource("runs")
  void trajectoriesAndTablesEqualDiffusers(String name, int steps) {
    String key = name + "." + steps + ".";
    List<double[]> path;
    try (SamplerRun run = sampler(name).start(steps)) {
      Roots.assertEqual(run.timesteps(), goldens.doubles(key + "timesteps"));
      if (goldens.names().contains(key + "sigmas")) {
        Roots.assertEqual(run.sigmas(), goldens.floats(key + "sigmas"));
      } else {
        assertThat(run.sigmas()).isEmpty();
      }
      Roots.assertEqual(
          run.initNoiseSigma(), goldens.info().get(key + "init_noise_sigma").doubleValue());
      path = walk(run, DataType.FLOAT64);
    }

    double[] expected = goldens.doubles(key + "traj_f64");
    double[] seen = path.stream().flatMapToDouble(Arrays::stream).toArray();
    double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    double distance = distance(seen, expected) / largest;
    assertThat(distance).isLessThan(3e-6); // 1e-5 is promised; roots of other CPUs add up
  }

  static Stream<Arguments> runs() {
    return STORED.stream()
        .flatMap(name -> Stream.of(Arguments.of(name, 10), Arguments.of(name, 50)));
  }

  @ParameterizedTest
  @MethodSource("stored")
  void float32AndFloat16SamplesKeepTheirTypeAndFollowTheSamePath(String name) {
    double[] expected = goldens.doubles(name + ".10.traj_f32");
    double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    try (SamplerRun run = sampler(name).start(10)) {
      double[] seen =
          walk(run, DataType.FLOAT32).stream().flatMapToDouble(Arrays::stream).toArray();
      assertThat(distance(seen, expected)).isLessThan(1e-5 * largest);
    }
    try (SamplerRun run = sampler(name).start(10)) {
      double[] seen =
          walk(run, DataType.FLOAT16).stream().flatMapToDouble(Arrays::stream).toArray();
      assertThat(distance(seen, expected)).isLessThan(0.02 * largest);
    }
  }

  static Stream<String> stored() {
    return STORED.stream();
  }

  @Test
  void timestepsOfOtherStepCountsEqualDiffusers() {
    List<String> names =
        goldens.names().stream().filter(name -> name.startsWith("timesteps.")).toList();

    assertThat(names).hasSizeGreaterThan(50);
    for (String name : names) {
      String[] parts = name.split("\\.");
      assertThat(sampler(parts[1]).timesteps(Integer.parseInt(parts[2])))
          .as(name)
          .isEqualTo(goldens.doubles(name));
    }
  }

  @Test
  void aRunFreesItsHistoryAndLeavesTheCallersTensorsAlone() {
    for (String name : STORED) {
      try (NDManager scope = manager.newSubManager()) {
        NDArray sample = scope.ones(new Shape(2, 4, 3, 3));
        NDArray output = scope.ones(new Shape(2, 4, 3, 3)).mul(scope.create(0.5f));
        NDArray noise = scope.zeros(new Shape(2, 4, 3, 3));
        int before = scope.getManagedArrays().size();
        NDArray next;
        try (SamplerRun run = sampler(name).start(10)) {
          next = run.step(output, 0, sample, noise);
          assertThat(scope.getManagedArrays()).as(name).hasSize(before + 1);
          next.close();
          next = run.step(output, 1, sample, noise);
        }
        assertThat(next.getManager()).as(name).isSameAs(scope);
        assertThat(next.getShape()).isEqualTo(sample.getShape());
        assertThat(next.toFloatArray()).doesNotContain(Float.NaN);
        assertThat(sample.toFloatArray()).containsOnly(1f);
        assertThat(output.toFloatArray()).containsOnly(0.5f);
      }
    }
  }

  /** The sample before the first step and after each. */
  private List<double[]> walk(SamplerRun run, DataType type) {
    List<double[]> path = new ArrayList<>();
    Shape shape = new Shape(goldens.shape("x0"));
    float[] stepNoise = goldens.floats("step_noise");
    NDArray x =
        manager
            .create(goldens.floats("x0"), shape)
            .toType(type, false)
            .mul(manager.create(run.initNoiseSigma()));
    path.add(values(x));
    double[] timesteps = run.timesteps();
    int noises = 0;
    for (int i = 0; i < timesteps.length; i++) {
      NDArray noise = null;
      if (run.needsNoise(i)) {
        int size = (int) shape.size();
        float[] slice = Arrays.copyOfRange(stepNoise, noises * size, (noises + 1) * size);
        noise = manager.create(slice, shape).toType(type, false);
        noises++;
      }
      NDArray output =
          run.scaleModelInput(x, i)
              .mul(manager.create(0.1))
              .add(manager.create(Math.sin(timesteps[i])));
      x = run.step(output, i, x, noise);
      assertThat(x.getDataType()).isEqualTo(type);
      path.add(values(x));
    }
    return path;
  }

  private static double[] values(NDArray array) {
    return array.toType(DataType.FLOAT64, false).toDoubleArray();
  }

  private static double distance(double[] seen, double[] expected) {
    assertThat(seen).hasSameSizeAs(expected);
    double distance = 0;
    for (int i = 0; i < seen.length; i++) {
      assertThat(seen[i]).isNotNaN();
      distance = Math.max(distance, Math.abs(seen[i] - expected[i]));
    }
    return distance;
  }

  private static Sampler sampler(String name) {
    Sampler sampler =
        Samplers.fromConfig(Samplers.readConfig(CONFIGS.resolve(name + "/scheduler_config.json")));
    return name.equals("ddim_eta1") ? ((DdimSampler) sampler).withEta(1) : sampler;
  }
}
