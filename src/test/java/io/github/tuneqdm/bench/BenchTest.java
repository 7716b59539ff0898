package io.github.tuneqdm.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tuneqdm.ToyWorld;
import io.github.tuneqdm.diffusion.Samplers;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.quant.QuantizedWeight;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.tensor.Compute;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BenchTest {
  private static final Path BASE = ToyWorld.ROOT.resolve("base");

  /** The embedded demo's shape, with weights that nobody trained. */
  private static RandomModel toyWorld() {
    return new RandomModel(
        ModelConfig.read(BASE.resolve("unet/config.json")),
        ModelConfig.read(BASE.resolve("vae/config.json")),
        Samplers.readConfig(BASE.resolve("scheduler/scheduler_config.json")),
        24,
        16,
        0,
        0);
  }

  @Test
  void trainingStepsOfSeveralSubjectsAreTimed() {
    try (Compute compute = Compute.cpu(2);
        TrainBench bench = new TrainBench(compute, toyWorld(), 4, 2)) {
      BenchRow row = bench.run(2, 1, new TrainBench.Effort(2, 1, 1));

      assertThat(row.minMillis()).isPositive().isLessThanOrEqualTo(row.millis());
      assertThat(row.maxMillis()).isGreaterThanOrEqualTo(row.millis());
      assertThat(row.samplesPerSecond()).isEqualTo(2 * 1000 / row.millis());
      assertThat(row.peakBytes()).isZero();
    }
  }

  @Test
  void picturesOfSeveralSubjectsAreTimed() {
    try (Compute compute = Compute.cpu(2);
        SampleBench bench = new SampleBench(compute, toyWorld(), 8, 2)) {
      BenchRow row = bench.run(2, 2, 1);

      assertThat(row.samplesPerSecond()).isPositive();
      assertThat(row.stepsPerSecond()).isEqualTo(2 * row.samplesPerSecond());
    }
  }

  @Test
  void aTableIsTextAndJson() throws Exception {
    BenchRow row =
        new BenchRow("train", 8, 1, 4, "FLOAT16", 80, 79, 90, 100, 100, 1L << 30, 3L << 30, 175);
    BenchTable table = new BenchTable("a GPU", 750, List.of(row));

    assertThat(table.text()).contains("float16", "100.00", "1.000", "3.000", "23.3%");
    JsonNode json = new ObjectMapper().readTree(table.json());
    assertThat(json.at("/rows/0/subjects").asInt()).isEqualTo(8);
    assertThat(json.at("/rows/0/share").asDouble()).isEqualTo(175.0 / 750);
  }

  @Test
  void randomLayersAreTheSameEveryTimeAndUseAllCodesButTheLeast() {
    RandomTensors tensors =
        new RandomTensors(Map.of("a.weight", new long[] {16, 32, 3, 3}, "a.bias", new long[] {16}));
    QuantizerSettings fourBits = new QuantizerSettings(4, false);

    QuantizedWeight layer = tensors.layer("a", fourBits);

    assertThat(layer).isEqualTo(tensors.layer("a", fourBits));
    assertThat(tensors.layerNames()).containsExactly("a");
    assertThat(layer.codes()).contains(new byte[] {-7, 0, 7}).doesNotContain((byte) -8);
    double squares = 0;
    for (float w : layer.dequantize()) {
      squares += w * w;
    }
    assertThat(squares / 16).isBetween(0.7, 1.3); // a unit of gain for each output channel
  }
}
