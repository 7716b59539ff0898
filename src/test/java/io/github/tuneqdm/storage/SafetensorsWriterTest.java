package io.github.tuneqdm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsWriterTest {
  @TempDir Path folder;

  @Test
  void whatever_the_order_given_the_bytes_are_the_same() {
    Map<String, StoredTensor> one = new LinkedHashMap<>();
    one.put("b", StoredTensor.of(new float[] {1, 2}, 2));
    one.put("a", StoredTensor.of(DType.I8, new byte[] {3}, 1));
    Map<String, StoredTensor> other = new LinkedHashMap<>();
    other.put("a", one.get("a"));
    other.put("b", one.get("b"));
    Map<String, String> metadata = Map.of("z", "\u00fc\"\n", "y", "");
    assertThat(SafetensorsWriter.toBytes(one, metadata))
        .isEqualTo(SafetensorsWriter.toBytes(other, Map.copyOf(metadata)));
  }

  @Test
  void what_is_written_is_read_back() throws IOException {
    Path path = folder.resolve("t.safetensors");
    Map<String, StoredTensor> tensors =
        Map.of(
            "scalar", StoredTensor.of(new float[] {1.5f}),
            "empty", StoredTensor.of(new double[0], 0, 3),
            "long", StoredTensor.of(new long[] {Long.MIN_VALUE}, 1),
            "int", StoredTensor.of(new int[] {-7, 7}, 1, 2),
            "half", StoredTensor.of(DType.F16, new byte[] {0, 0x3c}, 1));
    SafetensorsWriter.write(path, tensors, Map.of("k", "v"));
    assertThat(Files.readAllBytes(path))
        .isEqualTo(SafetensorsWriter.toBytes(tensors, Map.of("k", "v")));
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.metadata()).containsExactly(Map.entry("k", "v"));
      assertThat(file.names()).containsExactly("long", "empty", "scalar", "int", "half");
      assertThat(file.tensor("scalar").shape()).isEmpty();
      assertThat(file.tensor("scalar").toFloats()).containsExactly(1.5f);
      assertThat(file.tensor("empty").toDoubles()).isEmpty();
      assertThat(file.tensor("long").toLongs()).containsExactly(Long.MIN_VALUE);
      assertThat(file.tensor("int").toFloats()).containsExactly(-7, 7);
      assertThat(file.tensor("half").toFloats()).containsExactly(1);
      assertThat(file.dtype("half")).isEqualTo(DType.F16);
    }
  }

  @Test
  void the_data_begins_on_a_multiple_of_eight_bytes() {
    for (int length = 1; length < 10; length++) {
      byte[] bytes =
          SafetensorsWriter.toBytes(
              Map.of("x".repeat(length), StoredTensor.of(new double[] {1}, 1)), Map.of());
      assertThat(bytes.length % 8).isZero();
    }
  }

  @Test
  void a_folder_that_is_not_there_is_a_failure_of_the_environment() {
    assertThatThrownBy(
            () -> SafetensorsWriter.write(folder.resolve("no/t.safetensors"), Map.of(), Map.of()))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("no/t.safetensors")
        .satisfies(
            e -> assertThat(((TuneQdmException) e).exitCode()).isEqualTo(ExitCode.ENVIRONMENT));
  }
}
