package io.github.tuneqdm.metrics;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads the matrices and the settings of one golden file. */
final class GoldenTensors {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final JsonNode header;
  private final ByteBuffer data;

  GoldenTensors(Path file) {
    try {
      ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      int headerLength = Math.toIntExact(all.getLong());
      header = JSON.readTree(all.array(), Long.BYTES, headerLength);
      int start = Long.BYTES + headerLength;
      data = all.slice(start, all.capacity() - start).order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new IllegalStateException("Cannot read " + file, e);
    }
  }

  JsonNode info() {
    try {
      return JSON.readTree(header.at("/__metadata__/info").asText());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  float[][] floats(String name) {
    ByteBuffer values = start(name, "F32");
    float[][] matrix = new float[rows(name)][columns(name)];
    for (float[] row : matrix) {
      for (int i = 0; i < row.length; i++) {
        row[i] = values.getFloat();
      }
    }
    return matrix;
  }

  double[][] doubles(String name) {
    ByteBuffer values = start(name, "F64");
    double[][] matrix = new double[rows(name)][columns(name)];
    for (double[] row : matrix) {
      for (int i = 0; i < row.length; i++) {
        row[i] = values.getDouble();
      }
    }
    return matrix;
  }

  int[][] integers(String name) {
    ByteBuffer values = start(name, "I64");
    int[][] matrix = new int[rows(name)][columns(name)];
    for (int[] row : matrix) {
      for (int i = 0; i < row.length; i++) {
        row[i] = Math.toIntExact(values.getLong());
      }
    }
    return matrix;
  }

  private ByteBuffer start(String name, String dtype) {
    JsonNode entry = header.path(name);
    if (!entry.path("dtype").asText().equals(dtype)) {
      throw new IllegalArgumentException(name + " is " + entry.path("dtype") + ", not " + dtype);
    }
    int from = entry.at("/data_offsets/0").asInt();
    int to = entry.at("/data_offsets/1").asInt();
    return data.slice(from, to - from).order(ByteOrder.LITTLE_ENDIAN);
  }

  private int rows(String name) {
    return header.path(name).path("shape").path(0).asInt();
  }

  /** A vector is read as one value a row. */
  private int columns(String name) {
    return header.path(name).path("shape").path(1).asInt(1);
  }
}
