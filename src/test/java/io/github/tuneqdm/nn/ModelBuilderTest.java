package io.github.tuneqdm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.DType;
import io.github.tuneqdm.storage.SafetensorsFile;
import io.github.tuneqdm.storage.SafetensorsWriter;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.Compute;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelBuilderTest {
  private static Compute compute;

  @TempDir Path folder;

  @BeforeAll
  static void open() {
    compute = Compute.cpu(1);
  }

  @AfterAll
  static void close() {
    compute.close();
  }

  private TensorSource file(Map<String, StoredTensor> tensors) {
    Path file = folder.resolve("model.safetensors");
    SafetensorsWriter.write(file, tensors, Map.of());
    return SafetensorsFile.open(file);
  }

  private static void load(TensorSource source, String name, long... shape) {
    try (ModelBuilder builder = ModelBuilder.plain(compute, source, "VAE in /models/x")) {
      builder.tensor(name, shape);
    }
  }

  @Test
  void saysWhichTensorIsMissing() {
    try (TensorSource source = file(Map.of("a", StoredTensor.of(new float[2], 2)))) {
      assertThatThrownBy(() -> load(source, "b", 2))
          .isInstanceOf(TuneQdmException.class)
          .hasMessage("Cannot load the VAE in /models/x: tensor b is missing");
    }
  }

  @Test
  void saysWhichTensorHasAnotherShapeThanItsConfig() {
    try (TensorSource source = file(Map.of("a", StoredTensor.of(new float[6], 2, 3)))) {
      assertThatThrownBy(() -> load(source, "a", 3, 2))
          .isInstanceOf(TuneQdmException.class)
          .hasMessageContaining("tensor a has shape [2, 3] where config.json implies [3, 2]");
    }
  }

  @Test
  void refusesWeightsThatAreNotNumbers() {
    float[] values = {1, Float.NaN};
    try (TensorSource source = file(Map.of("a", StoredTensor.of(values, 2)))) {
      assertThatThrownBy(() -> load(source, "a", 2))
          .isInstanceOf(TuneQdmException.class)
          .hasMessageContaining("tensor a holds a value that is not finite");
    }
  }

  @Test
  void readsAttentionUnderItsDeprecatedNamesAndShapes() {
    Map<String, StoredTensor> old =
        Map.of(
            "mid.query.weight", StoredTensor.of(new float[4], 2, 2, 1, 1),
            "mid.proj_attn.bias", StoredTensor.of(new float[] {5, 6}, 2));
    try (TensorSource source = file(old);
        ModelBuilder builder = ModelBuilder.plain(compute, source, "VAE")) {
      assertThat(builder.tensor("mid.to_q.weight", 2, 2).getShape().getShape())
          .containsExactly(2, 2);
      assertThat(builder.tensor("mid.to_out.0.bias", 2).toFloatArray()).containsExactly(5, 6);
    }
  }

  @Test
  void aBuiltModelHasTheTensorsThatItAsksForInWhateverTypeTheyAreStored() {
    Map<String, StoredTensor> stored =
        Map.of(
            "a", StoredTensor.of(new float[] {1, 2}, 2),
            "b", StoredTensor.of(new double[] {0.1}, 1),
            "c", StoredTensor.of(DType.F16, new byte[] {0, 0x3c}, 1));
    try (TensorSource source = file(stored)) {
      ModelBuilder builder = ModelBuilder.plain(compute, source, "VAE");
      List<NDArray> tensors =
          builder.build(
              b -> List.of(b.tensor("c", 1), b.tensor("a", 2), b.tensor("b", 1), b.tensor("a", 2)));

      assertThat(tensors.get(0).toFloatArray()).containsExactly(1);
      assertThat(tensors.get(1).toFloatArray()).containsExactly(1, 2);
      assertThat(tensors.get(2).toFloatArray()).containsExactly(0.1f);
      assertThat(tensors.get(3)).isSameAs(tensors.get(1));
      builder.close();
    }
  }

  @Test
  void theFirstTensorThatCannotBeLoadedIsTheFailureOfABuild() {
    Map<String, StoredTensor> stored =
        Map.of(
            "a", StoredTensor.of(new float[2], 2),
            "b", StoredTensor.of(new float[] {Float.NaN}, 1));
    try (TensorSource source = file(stored)) {
      assertThatThrownBy(
              () ->
                  ModelBuilder.plain(compute, source, "VAE")
                      .build(b -> List.of(b.tensor("a", 2), b.tensor("b", 1), b.tensor("none", 1))))
          .isInstanceOf(TuneQdmException.class)
          .hasMessageContaining("tensor b holds a value that is not finite");
    }
  }

  @Test
  void laysOutScalesByBlockInOrder() {
    Map<String, StoredTensor> tensors =
        Map.of(
            "b.one.weight", StoredTensor.of(new float[6], 3, 2),
            "b.one.bias", StoredTensor.of(new float[3], 3),
            "b.two.weight", StoredTensor.of(new float[3 * 9], 1, 3, 3, 3),
            "b.two.bias", StoredTensor.of(new float[1], 1),
            "c.weight", StoredTensor.of(new float[4], 4, 1));
    try (TensorSource source = file(tensors);
        ModelBuilder builder = ModelBuilder.tunable(compute, source, "UNet")) {
      builder.block("b.").linear("one", 3, 2).conv("two", 1, 3, 3).build();
      builder.block("").linearWithoutBias("c", 4, 1).build();

      ScaleLayout layout = builder.scaleLayout();

      assertThat(layout.width()).isEqualTo(3 + 1 + 2 + 3 + 4 + 1);
      assertThat(layout.blockWidths()).containsExactly(9, 5);
      assertThat(layout.layers())
          .containsExactly(
              new ScaleLayout.Layer("b.one", 3, 2, 0, 4),
              new ScaleLayout.Layer("b.two", 1, 3, 3, 6),
              new ScaleLayout.Layer("c", 4, 1, 9, 13));
    }
  }
}
