package io.github.tuneqdm.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.ToyWorld;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.nn.ScaleLayout;
import io.github.tuneqdm.storage.SafetensorsFile;
import io.github.tuneqdm.storage.SafetensorsWriter;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.Compute;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeltaScalesTest {
  private static Compute compute;
  private static TunableUNet network;

  @TempDir Path folder;

  @BeforeAll
  static void open() {
    compute = Compute.cpu(2);
    network = ToyWorld.fourBits(compute);
  }

  @AfterAll
  static void close() {
    network.close();
    compute.close();
  }

  private DeltaScales read(Path file) {
    try (TensorSource tensors = SafetensorsFile.open(file)) {
      return DeltaScales.fromTensors(tensors, network.layout(), file.toString());
    }
  }

  private Path write(Map<String, StoredTensor> tensors) {
    Path file = folder.resolve("deltas.safetensors");
    SafetensorsWriter.write(file, tensors, Map.of());
    return file;
  }

  @Test
  void aCheckpointHoldsTheScalesAndNothingElse() throws Exception {
    DeltaScales scales = DeltaScales.initial(network, 4);
    for (int i = 0; i < scales.rows().length; i++) {
      scales.rows()[i] += i * 1e-6f;
    }

    Path file = write(scales.toTensors(network.layout()));

    assertThat(read(file)).isEqualTo(scales);
    long payload = 4L * scales.rows().length;
    assertThat(Files.size(file)).isBetween(payload, (long) (1.05 * payload) + headerBytes(file));
  }

  private static long headerBytes(Path file) throws Exception {
    byte[] start = Files.newInputStream(file).readNBytes(8);
    return java.nio.ByteBuffer.wrap(start).order(java.nio.ByteOrder.LITTLE_ENDIAN).getLong();
  }

  @Test
  void aCheckpointOfAnotherBaseIsRefused() {
    Map<String, StoredTensor> tensors =
        new TreeMap<>(DeltaScales.initial(network, 2).toTensors(network.layout()));
    ScaleLayout.Layer layer = network.layout().layers().get(3);

    tensors.put(layer.name() + ".delta_in", StoredTensor.of(new float[2], 2, 1));
    assertThatThrownBy(() -> read(write(tensors)))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining(layer.name() + ".delta_in has shape [2, 1]");

    tensors.remove(layer.name() + ".delta_in");
    assertThatThrownBy(() -> read(write(tensors)))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("tuned on another base");
  }
}
