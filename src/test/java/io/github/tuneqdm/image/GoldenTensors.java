package io.github.tuneqdm.image;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;

/** The tensors of src/test/goldens/preprocess.safetensors: U8 (H, W, 3) and F32 (3, H, W). */
final class GoldenTensors {
  private final JsonNode header;
  private final ByteBuffer data;

  private GoldenTensors(JsonNode header, ByteBuffer data) {
    this.header = header;
    this.data = data;
  }

  static GoldenTensors open(Path path) {
    try {
      ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
      byte[] header = new byte[Math.toIntExact(file.getLong())];
      file.get(header);
      return new GoldenTensors(
          new ObjectMapper().readTree(header), file.slice().order(ByteOrder.LITTLE_ENDIAN));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Set<String> names() {
    Set<String> names = new TreeSet<>();
    header.fieldNames().forEachRemaining(names::add);
    names.remove("__metadata__");
    return names;
  }

  RgbImage image(String name) {
    JsonNode shape = header.get(name).get("shape");
    byte[] bytes = new byte[slice(name).remaining()];
    slice(name).get(bytes);
    return new RgbImage(shape.get(1).intValue(), shape.get(0).intValue(), bytes);
  }

  float[] floats(String name) {
    float[] values = new float[slice(name).remaining() / Float.BYTES];
    slice(name).asFloatBuffer().get(values);
    return values;
  }

  private ByteBuffer slice(String name) {
    JsonNode offsets = header.get(name).get("data_offsets");
    int begin = offsets.get(0).intValue();
    return data.slice(begin, offsets.get(1).intValue() - begin).order(ByteOrder.LITTLE_ENDIAN);
  }
}
