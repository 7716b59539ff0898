package io.github.tuneqdm.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tuneqdm.ToyWorld;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.models.Workload;
import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.quant.QuantizedWeight;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.Precision;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class BenchTest {
  static final BenchModel TOY_WORLD = BenchModel.of(ToyWorld.ROOT.resolve("base"));

  static BenchSettings quick(BenchModel model, int... subjects) {
    return new BenchSettings(
        model,
        BenchSettings.Device.CPU,
        List.of(Precision.FLOAT32),
        java.util.Arrays.stream(subjects).boxed().toList(),
        List.of(1),
        4,
        2,
        MemoryMode.RESIDENT,
        0,
        2,
        BenchSettings.Effort.QUICK,
        2,
        Optional.of(ToyWorld.ROOT));
  }

  @Test
  void everyPartIsMeasuredAndShownAsItComes() {
    List<String> lines = new ArrayList<>();
    BenchSettings settings = quick(TOY_WORLD.withRandomWeights(), 1, 2);

    BenchTable table = new Bench(settings, lines::add).run(EnumSet.allOf(Bench.Part.class));

    assertThat(table.rows())
        .extracting(BenchRow::what)
        .containsExactly(
            "quantize",
            "matmul",
            "load",
            "train",
            "train",
            "reference",
            "reference",
            "sample",
            "sample",
            "score");
    assertThat(table.rows())
        .allSatisfy(
            row -> {
              assertThat(row.time().min()).isPositive().isLessThanOrEqualTo(row.time().median());
              assertThat(row.time().max()).isGreaterThanOrEqualTo(row.time().median());
              assertThat(row.memory().peak()).isZero();
            });
    BenchRow two = table.rows().get(4);
    assertThat(two.subjects()).isEqualTo(2);
    assertThat(two.rates()).containsEntry("subject-steps", 2 * 1000 / two.time().median());
    assertThat(table.parity()).containsExactly(new Parity("float32", 0, 0));
    assertThat(lines).hasSizeGreaterThan(2 + table.rows().size() + 1);
    assertThat(lines)
        .filteredOn(line -> line.startsWith("transformer ") && line.contains("%"))
        .hasSize(2 * 2); // training and sampling, of one subject and of two
  }

  @Test
  void aModelsOwnWeightsAreMeasuredToo() {
    BenchTable table = new Bench(quick(TOY_WORLD, 2), line -> {}).run(EnumSet.of(Bench.Part.TRAIN));

    assertThat(table.rows().get(2).teraFlops()).isPositive();
  }

  @Test
  void arithmeticIsCountedAsOthersCountIt() {
    try (Compute compute = Compute.cpu(1)) {
      BenchModel sd14 = BenchModel.sd14();
      Workload unet = sd14.unetWorkload(compute, 512);

      assertThat(unet.forward() / 1e12).isCloseTo(0.803, within(0.005));
      assertThat(unet.training() / 1e12).isCloseTo(1.75, within(0.05));
      assertThat(sd14.decoderWorkload(compute, 512).forward() / 1e12).isCloseTo(2.5, within(0.1));
    }
  }

  @Test
  void aTableIsTextAndJson() throws Exception {
    BenchRow matmul =
        new BenchRow(
            "matmul", 0, 0, 0, "", "float16", time(1), BenchRow.Memory.NONE, 750, Map.of());
    BenchRow train =
        new BenchRow(
            "train",
            8,
            1,
            4,
            "resident",
            "float16",
            time(80),
            new BenchRow.Memory(1L << 30, 3L << 30, 2L << 30),
            175,
            Map.of("samples", 100.0));
    BenchTable table =
        new BenchTable(
            "sd14", "a GPU", List.of(matmul, train), List.of(), List.of("train of 30: too much"));

    assertThat(table.text())
        .contains("float16", "100.00 samples", "1.000", "3.000", "23.3%", "train of 30");
    JsonNode json = new ObjectMapper().readTree(table.json());
    assertThat(json.at("/rows/1/subjects").asInt()).isEqualTo(8);
    assertThat(json.at("/rows/1/share").asDouble()).isEqualTo(175.0 / 750);
    assertThat(json.at("/rows/1/perSecond/samples").asDouble()).isEqualTo(100);
    assertThat(json.at("/skipped/0").asText()).startsWith("train of 30");
  }

  private static Timings time(double millis) {
    return new Timings(millis, millis, millis);
  }

  @Test
  void whatCannotBeMeasuredIsRefused() {
    assertThatThrownBy(() -> quick(TOY_WORLD, 0))
        .isInstanceOf(TuneQdmException.class)
        .hasMessage("Cannot use --subjects 0: it must be at least 1");
    assertThatThrownBy(() -> BenchSettings.precision("float8"))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageStartingWith("Cannot use --precision float8: choose float32 or float16");
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
