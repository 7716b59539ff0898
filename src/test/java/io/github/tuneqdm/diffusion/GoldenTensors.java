package io.github.tuneqdm.diffusion;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads the golden tensors these tests compare with. */
public final class GoldenTensors {
  private final JsonNode header;
  private final ByteBuffer data;

  private GoldenTensors(JsonNode header, ByteBuffer data) {
    this.header = header;
    this.data = data;
  }

  public static GoldenTensors open(String name) {
    try {
      ByteBuffer file =
          ByteBuffer.wrap(Files.readAllBytes(Path.of("src/test/goldens", name)))
              .order(ByteOrder.LITTLE_ENDIAN);
      byte[] header = new byte[Math.toIntExact(file.getLong())];
      file.get(header);
      return new GoldenTensors(
          new ObjectMapper().readTree(header), file.slice().order(ByteOrder.LITTLE_ENDIAN));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  public List<String> names() {
    List<String> names = new ArrayList<>();
    header.fieldNames().forEachRemaining(names::add);
    names.remove("__metadata__");
    return names;
  }

  public JsonNode info() {
    try {
      return new ObjectMapper().readTree(header.path("__metadata__").path("info").asText());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  public long[] shape(String name) {
    JsonNode shape = header.path(name).path("shape");
    long[] sizes = new long[shape.size()];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = shape.get(i).asLong();
    }
    return sizes;
  }

  /** All values of a float or integer tensor. */
  public double[] doubles(String name) {
    ByteBuffer bytes = bytes(name);
    String dtype = header.path(name).path("dtype").asText();
    double[] values = new double[bytes.remaining() / (dtype.equals("F32") ? 4 : 8)];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (dtype) {
            case "F32" -> bytes.getFloat();
            case "F64" -> bytes.getDouble();
            case "I64" -> bytes.getLong();
            default -> throw new IllegalArgumentException(name + " is " + dtype);
          };
    }
    return values;
  }

  public float[] floats(String name) {
    double[] values = doubles(name);
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  private ByteBuffer bytes(String name) {
    JsonNode offsets = header.path(name).path("data_offsets");
    if (offsets.size() != 2) {
      throw new IllegalArgumentException("no golden tensor " + name);
    }
    int start = offsets.get(0).asInt();
    return data.slice(start, offsets.get(1).asInt() - start).order(ByteOrder.LITTLE_ENDIAN);
  }
}
