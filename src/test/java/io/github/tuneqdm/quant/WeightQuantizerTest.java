package io.github.tuneqdm.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.Goldens;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.ModelWeights;
import io.github.tuneqdm.storage.SafetensorsFile;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WeightQuantizerTest {

  private static byte[] bytes(StoredTensor tensor) {
    byte[] bytes = new byte[tensor.bytes().remaining()];
    tensor.bytes().get(bytes);
    return bytes;
  }

  private static void assertWithinOneUlp(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      assertThat(Math.abs(actual[i] - expected[i])).isLessThanOrEqualTo(Math.ulp(expected[i]));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 5, 6, 7, 8})
  void the_reference_layers_are_reproduced_at_every_width(int bits) {
    try (SafetensorsFile goldens = SafetensorsFile.open(Goldens.path("tq_micro.safetensors"))) {
      for (String layer : new String[] {"lin", "conv"}) {
        StoredTensor weight = goldens.tensor(layer + ".weight");
        for (boolean symmetric : new boolean[] {true, false}) {
          QuantizedWeight quantized =
              WeightQuantizer.quantize(
                  layer, weight.toFloats(), weight.shape(), new QuantizerSettings(bits, symmetric));
          String prefix = "n%d.%s.%s.".formatted(bits, symmetric ? "sym" : "asym", layer);
          assertThat(quantized.codes()).isEqualTo(bytes(goldens.tensor(prefix + "weight_int")));
          assertThat(quantized.zeroPoint())
              .isEqualTo(goldens.tensor(prefix + "zero_point").toFloats());
          assertWithinOneUlp(quantized.scale(), goldens.tensor(prefix + "scale").toFloats());
          assertWithinOneUlp(
              quantized.dequantize(), goldens.tensor(prefix + "dequantised").toFloats());
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"2,true", "2,false", "4,true", "4,false", "8,true", "8,false"})
  void a_whole_unet_is_reproduced(int bits, boolean symmetric) throws IOException {
    String file = "tuneqdm/sd1_n%d_%s.safetensors".formatted(bits, symmetric ? "sym" : "asym");
    ObjectMapper mapper = new ObjectMapper();
    JsonNode index = mapper.readTree(Goldens.path("tuneqdm/sd1.index.json").toFile());
    byte[] codes = new byte[index.get("w_total").asInt()];
    float[] scale = new float[index.get("out_total").asInt()];
    float[] zeroPoint = new float[index.get("out_total").asInt()];
    try (SafetensorsFile goldens = SafetensorsFile.open(Goldens.path(file));
        TensorSource unet = ModelWeights.open(Goldens.path("sd_tiny/unet"))) {
      for (JsonNode layer : index.get("layers")) {
        String name = layer.get("name").asText();
        StoredTensor weight = unet.tensor(name + ".weight");
        QuantizedWeight quantized =
            WeightQuantizer.quantize(
                name, weight.toFloats(), weight.shape(), new QuantizerSettings(bits, symmetric));
        int w = layer.get("w_off").asInt();
        int o = layer.get("out_off").asInt();
        System.arraycopy(quantized.codes(), 0, codes, w, quantized.codes().length);
        System.arraycopy(quantized.scale(), 0, scale, o, quantized.outChannels());
        System.arraycopy(quantized.zeroPoint(), 0, zeroPoint, o, quantized.outChannels());
      }
      String packedName = bits == 8 ? "weight_int" : "weight_int_packed";
      assertThat(PackedTensor.pack(codes, bits).bytes())
          .isEqualTo(bytes(goldens.tensor(packedName)));
      assertThat(Hashes.sha256(codes))
          .isEqualTo(
              mapper
                  .readTree(goldens.metadata().get("info"))
                  .get("sha256_weight_int_int8")
                  .asText());
      assertThat(zeroPoint)
          .isEqualTo(
              symmetric ? new float[zeroPoint.length] : goldens.tensor("zero_point").toFloats());
      assertWithinOneUlp(scale, goldens.tensor("delta_out").toFloats());
    }
  }

  @Test
  void rounding_takes_halves_to_even_after_the_zero_point_is_added() {
    // s = 1 and z = -8 - 0: halves fall on w + z.
    float[] weight = {0, 15, 0.5f, 1.5f, 2.5f, 14.5f};
    QuantizedWeight quantized =
        WeightQuantizer.quantize(weight, new long[] {1, 6}, new QuantizerSettings(4, false));
    assertThat(quantized.scale()).containsExactly(1);
    assertThat(quantized.codes()).containsExactly(-8, 7, -8, -6, -6, 6);
  }

  @Test
  void a_constant_channel_keeps_the_least_scale() {
    QuantizedWeight quantized =
        WeightQuantizer.quantize(
            new float[] {0.5f, 0.5f, 0, 0}, new long[] {2, 2}, new QuantizerSettings(8, false));
    assertThat(quantized.scale()).containsExactly(1e-8f, 1e-8f);
    assertThat(quantized.zeroPoint()).containsExactly(-128 - 5e7f, -128);
    assertThat(quantized.dequantize()[2]).isZero();
  }

  @Test
  void the_error_is_at_most_half_a_scale_step() {
    Random random = new Random(1);
    for (int bits = 2; bits <= 8; bits++) {
      for (boolean symmetric : new boolean[] {true, false}) {
        float[] weight = new float[3 * 50];
        for (int i = 0; i < weight.length; i++) {
          weight[i] = (float) random.nextGaussian() + (symmetric ? 0 : 2);
        }
        QuantizedWeight quantized =
            WeightQuantizer.quantize(
                weight, new long[] {3, 50}, new QuantizerSettings(bits, symmetric));
        float[] restored = quantized.dequantize();
        for (int i = 0; i < weight.length; i++) {
          // The zero-point is rounded as well, so that an end of the range may be half a step off.
          assertThat(Math.abs(restored[i] - weight[i]))
              .isLessThanOrEqualTo(quantized.scale()[i / 50] * 1.0001f * (symmetric ? 0.5f : 1));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void weights_that_are_not_finite_are_refused_naming_the_layer(float bad) {
    assertThatThrownBy(
            () ->
                WeightQuantizer.quantize(
                    "mid_block.conv",
                    new float[] {0, bad},
                    new long[] {1, 2},
                    new QuantizerSettings(4, false)))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("'mid_block.conv'")
        .hasMessageContaining("weight 1 is " + bad)
        .satisfies(
            e -> assertThat(((TuneQdmException) e).exitCode()).isEqualTo(ExitCode.INPUT_DATA));
  }

  @Test
  void a_range_beyond_float32_is_refused() {
    assertThatThrownBy(
            () ->
                WeightQuantizer.quantize(
                    "x",
                    new float[] {-3e38f, 3e38f},
                    new long[] {1, 2},
                    new QuantizerSettings(4, false)))
        .hasMessageContaining("exceeds float32");
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 1, 9, 16})
  void bit_widths_out_of_range_are_refused(int bits) {
    assertThatThrownBy(() -> new QuantizerSettings(bits, false))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("2 to 8 bits")
        .satisfies(e -> assertThat(((TuneQdmException) e).exitCode()).isEqualTo(ExitCode.USAGE));
  }

  @Test
  void packing_is_undone_by_unpacking_for_every_length() {
    Random random = new Random(2);
    for (int bits = 2; bits <= 8; bits++) {
      for (int length = 0; length < 20; length++) {
        byte[] codes = new byte[length];
        for (int i = 0; i < length; i++) {
          codes[i] = (byte) (random.nextInt(1 << bits) - (1 << (bits - 1)));
        }
        PackedTensor packed = PackedTensor.pack(codes, bits);
        assertThat(packed.unpack()).isEqualTo(codes);
      }
    }
    assertThat(PackedTensor.pack(new byte[] {-8, 7, 0}, 4).bytes()).containsExactly(0xf0, 0x08);
    assertThatThrownBy(() -> PackedTensor.pack(new byte[] {2}, 2)).hasMessageContaining("Code 2");
  }

  @Test
  void experts_share_the_timesteps_as_the_reference_does() {
    try (SafetensorsFile goldens = SafetensorsFile.open(Goldens.path("tq_micro.safetensors"))) {
      int tables = 0;
      for (String name : goldens.names()) {
        if (name.startsWith("expert_index.")) {
          String[] parts = name.split("\\.");
          ExpertSchedule schedule =
              new ExpertSchedule(
                  Integer.parseInt(parts[2].substring(1)), Integer.parseInt(parts[1].substring(1)));
          long[] expected = goldens.tensor(name).toLongs();
          long[] actual = new long[expected.length];
          Arrays.setAll(actual, schedule::expertOf);
          assertThat(actual).as(name).isEqualTo(expected);
          tables++;
        }
      }
      assertThat(tables).isEqualTo(8);
    }
  }

  @Test
  void timesteps_out_of_range_go_to_the_nearest_expert() {
    ExpertSchedule schedule = new ExpertSchedule(4, 1000);
    assertThat(schedule.expertOf(-5)).isZero();
    assertThat(schedule.expertOf(Long.MAX_VALUE)).isEqualTo(3);
    assertThatThrownBy(() -> new ExpertSchedule(0, 1000)).hasMessageContaining("use at least 1");
  }
}
