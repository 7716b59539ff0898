package io.github.tuneqdm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ShardedSafetensorsTest {
  private static final String ONE = "m-00001-of-00002.safetensors";
  private static final String TWO = "m-00002-of-00002.safetensors";

  @TempDir Path folder;

  private Path index(String json) throws IOException {
    SafetensorsWriter.write(
        folder.resolve(ONE), Map.of("a", StoredTensor.of(new float[] {1}, 1)), Map.of("k", "v"));
    SafetensorsWriter.write(
        folder.resolve(TWO), Map.of("b", StoredTensor.of(new float[] {2}, 1)), Map.of());
    return Files.writeString(folder.resolve("model.safetensors.index.json"), json);
  }

  private static String map(String a, String b) {
    return "{\"metadata\":{},\"weight_map\":{\"b\":\"%s\",\"a\":\"%s\"}}".formatted(b, a);
  }

  @Test
  void tensors_come_from_the_shard_the_index_names() throws IOException {
    index(map(ONE, TWO));
    try (TensorSource weights = ModelWeights.open(folder)) {
      assertThat(weights.names()).containsExactly("b", "a");
      assertThat(weights.tensor("a").toFloats()).containsExactly(1);
      assertThat(weights.tensor("b").toFloats()).containsExactly(2);
      assertThat(weights.metadata()).containsEntry("k", "v");
      assertThatThrownBy(() -> weights.tensor("c")).hasMessageContaining("'c'");
    }
    assertThat(ModelWeights.files(folder))
        .containsExactly(folder.resolve(ONE), folder.resolve(TWO));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../m-00001-of-00002.safetensors",
        "/m-00001-of-00002.safetensors",
        "sub/m.safetensors",
        "..\\\\m.safetensors",
        "..",
        "m.bin",
        ""
      })
  void shards_outside_the_folder_are_refused(String shard) throws IOException {
    Path index = index(map(shard, TWO));
    assertThatThrownBy(() -> ShardedSafetensors.open(index))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("not a file name of this folder");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"weight_map\":[]} | no 'weight_map'",
        "{\"weight_map\":{}} | no 'weight_map'",
        "{\"weight_map\": | not valid JSON",
        "{\"weight_map\":{\"a\":\"x\",\"a\":\"y\"}} | not valid JSON",
        "{\"weight_map\":{\"a\":1}} | not a file name",
        "{\"weight_map\":{\"a\":\"m-00001-of-00002.safetensors\",\"b\":\"none.safetensors\"}} | no"
            + " such file",
        "{\"weight_map\":{\"b\":\"m-00001-of-00002.safetensors\"}} | should be in",
        "{\"weight_map\":{\"a\":\"m-00001-of-00002.safetensors\","
            + "\"b\":\"m-00001-of-00002.safetensors\"}} | should be in"
      })
  void malformed_indices_are_refused(String json, String reason) throws IOException {
    Path index = index(json);
    assertThatThrownBy(() -> ShardedSafetensors.open(index))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void a_shard_with_a_tensor_the_index_does_not_know_is_refused() throws IOException {
    Path index = index(map(ONE, TWO));
    SafetensorsWriter.write(
        folder.resolve(TWO),
        Map.of(
            "b", StoredTensor.of(new float[] {2}, 1), "stray", StoredTensor.of(new float[] {2}, 1)),
        Map.of());
    assertThatThrownBy(() -> ShardedSafetensors.open(index)).hasMessageContaining("'stray'");
  }

  @Test
  void a_folder_without_weights_says_what_was_looked_for() throws IOException {
    Files.writeString(folder.resolve("diffusion_pytorch_model.bin"), "x");
    assertThatThrownBy(() -> ModelWeights.open(folder))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("diffusion_pytorch_model.safetensors")
        .hasMessageContaining("diffusion_pytorch_model.bin is a pickle");
    assertThatThrownBy(() -> ModelWeights.open(folder.resolve("none")))
        .hasMessageContaining("no such folder");
  }
}
