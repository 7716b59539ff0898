package io.github.tuneqdm;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.storage.SafetensorsFile;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;

/** A file of src/test/goldens in the forms that tests like. */
public final class GoldenTensors {
  private final TensorSource tensors;

  private GoldenTensors(TensorSource tensors) {
    this.tensors = tensors;
  }

  public static GoldenTensors open(String name) {
    return new GoldenTensors(SafetensorsFile.open(Path.of("src/test/goldens", name)));
  }

  public Set<String> names() {
    return tensors.names();
  }

  /** The settings that stand beside the tensors. */
  public JsonNode info() {
    try {
      return new ObjectMapper().readTree(tensors.metadata().get("info"));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  public long[] shape(String name) {
    return tensors.shape(name);
  }

  public double[] doubles(String name) {
    return tensors.tensor(name).toDoubles();
  }

  public float[] floats(String name) {
    double[] values = doubles(name);
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  /** The rows of (R, C); a vector has one value a row. */
  public double[][] doubleRows(String name) {
    double[] values = doubles(name);
    double[][] rows = new double[(int) shape(name)[0]][];
    int width = values.length / rows.length;
    for (int r = 0; r < rows.length; r++) {
      rows[r] = Arrays.copyOfRange(values, r * width, (r + 1) * width);
    }
    return rows;
  }

  public float[][] floatRows(String name) {
    float[] values = floats(name);
    float[][] rows = new float[(int) shape(name)[0]][];
    int width = values.length / rows.length;
    for (int r = 0; r < rows.length; r++) {
      rows[r] = Arrays.copyOfRange(values, r * width, (r + 1) * width);
    }
    return rows;
  }

  public int[][] intRows(String name) {
    return Arrays.stream(doubleRows(name))
        .map(row -> Arrays.stream(row).mapToInt(v -> (int) v).toArray())
        .toArray(int[][]::new);
  }

  /** A picture (H, W, 3) of bytes. */
  public RgbImage image(String name) {
    StoredTensor tensor = tensors.tensor(name);
    byte[] rgb = new byte[Math.toIntExact(tensor.elementCount())];
    tensor.bytes().get(rgb);
    return new RgbImage((int) tensor.shape()[1], (int) tensor.shape()[0], rgb);
  }
}
