package io.github.tuneqdm.storage;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The parsed and fully checked header of a safetensors file: every byte of the data belongs to
 * exactly one tensor and every tensor's extents match its bytes.
 */
record SafetensorsHeader(Map<String, Entry> entries, Map<String, String> metadata) {

  /** The reference implementation's limit, bytes. */
  static final long MAX_LENGTH = 100_000_000;

  static final String METADATA = "__metadata__";

  // No symbol table: names are strangers', and equal hashes or a million names must not fill it.
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(8)
                  .maxStringLength((int) MAX_LENGTH)
                  .maxNumberLength(32)
                  .build())
          .build();

  /** One tensor; {@code begin} and {@code end} count bytes from the end of the header. */
  record Entry(DType dtype, long[] shape, long begin, long end) {
    long length() {
      return end - begin;
    }
  }

  /** Why a header is not acceptable, without the file's name. */
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1L;

    Malformed(String reason) {
      super(reason);
    }
  }

  /**
   * Parses and checks a header.
   *
   * @param header the JSON bytes, without the length before them
   * @param dataLength bytes that follow the header in the file
   */
  static SafetensorsHeader parse(ByteBuffer header, long dataLength) throws Malformed {
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(header).toString();
    } catch (CharacterCodingException e) {
      throw new Malformed("the header is not valid UTF-8");
    }
    // White space may pad it at both ends: writers align the data so.
    if (!text.stripLeading().startsWith("{")) {
      throw new Malformed("the header does not start with '{'");
    }
    Map<String, Entry> entries = new LinkedHashMap<>();
    Map<String, String> metadata = null;
    try (JsonParser json = JSON.createParser(text)) {
      json.nextToken();
      while (json.nextToken() != JsonToken.END_OBJECT) {
        String name = json.currentName();
        json.nextToken();
        if (name.equals(METADATA)) {
          if (metadata != null) {
            throw new Malformed("the key '%s' occurs twice".formatted(METADATA));
          }
          metadata = parseMetadata(json);
        } else if (entries.put(name, parseEntry(json, name)) != null) {
          throw new Malformed("tensor '%s' occurs twice".formatted(name));
        }
      }
      if (json.nextToken() != null) {
        throw new Malformed("the header goes on after its closing brace");
      }
    } catch (JsonProcessingException e) {
      throw new Malformed("the header is not valid JSON (%s)".formatted(e.getOriginalMessage()));
    } catch (IOException e) {
      throw new IllegalStateException("reading a string cannot fail", e);
    }
    checkLayout(entries, dataLength);
    return new SafetensorsHeader(
        Collections.unmodifiableMap(entries),
        Collections.unmodifiableMap(Objects.requireNonNullElse(metadata, Map.of())));
  }

  private static Map<String, String> parseMetadata(JsonParser json) throws IOException, Malformed {
    if (json.currentToken() != JsonToken.START_OBJECT) {
      throw new Malformed("'%s' is not an object".formatted(METADATA));
    }
    Map<String, String> metadata = new LinkedHashMap<>();
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String key = json.currentName();
      if (json.nextToken() != JsonToken.VALUE_STRING) {
        throw new Malformed("metadata '%s' is not a string".formatted(key));
      }
      if (metadata.put(key, json.getText()) != null) {
        throw new Malformed("metadata '%s' occurs twice".formatted(key));
      }
    }
    return metadata;
  }

  private static Entry parseEntry(JsonParser json, String name) throws IOException, Malformed {
    if (json.currentToken() != JsonToken.START_OBJECT) {
      throw new Malformed("the entry of tensor '%s' is not an object".formatted(name));
    }
    DType dtype = null;
    long[] shape = null;
    long[] offsets = null;
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String key = json.currentName();
      json.nextToken();
      boolean repeated;
      switch (key) {
        case "dtype" -> {
          repeated = dtype != null;
          dtype = parseDType(json, name);
        }
        case "shape" -> {
          repeated = shape != null;
          shape = parseLongs(json, name, key);
        }
        case "data_offsets" -> {
          repeated = offsets != null;
          offsets = parseLongs(json, name, key);
        }
        default -> throw new Malformed("tensor '%s' has the unknown key '%s'".formatted(name, key));
      }
      if (repeated) {
        throw new Malformed("tensor '%s' has '%s' twice".formatted(name, key));
      }
    }
    if (dtype == null || shape == null || offsets == null) {
      throw new Malformed(
          "tensor '%s' lacks '%s'"
              .formatted(name, dtype == null ? "dtype" : shape == null ? "shape" : "data_offsets"));
    }
    return checkedEntry(name, dtype, shape, offsets);
  }

  private static DType parseDType(JsonParser json, String name) throws IOException, Malformed {
    if (json.currentToken() != JsonToken.VALUE_STRING) {
      throw new Malformed("the dtype of tensor '%s' is not a string".formatted(name));
    }
    String text = json.getText();
    return DType.named(text)
        .orElseThrow(
            () ->
                new Malformed(
                    "tensor '%s' has the unknown dtype '%s' (known: %s)"
                        .formatted(name, text, Arrays.toString(DType.values()))));
  }

  private static long[] parseLongs(JsonParser json, String name, String key)
      throws IOException, Malformed {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      throw new Malformed("'%s' of tensor '%s' is not an array".formatted(key, name));
    }
    long[] values = new long[4];
    int count = 0;
    while (json.nextToken() != JsonToken.END_ARRAY) {
      if (json.currentToken() != JsonToken.VALUE_NUMBER_INT) {
        throw new Malformed(
            "'%s' of tensor '%s' holds something that is not an integer".formatted(key, name));
      }
      if (json.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
        throw new Malformed(
            "'%s' of tensor '%s' overflows: %s".formatted(key, name, json.getText()));
      }
      if (json.getLongValue() < 0) {
        throw new Malformed(
            "'%s' of tensor '%s' is negative: %d".formatted(key, name, json.getLongValue()));
      }
      if (count == values.length) {
        values = Arrays.copyOf(values, 2 * count);
      }
      values[count++] = json.getLongValue();
    }
    return Arrays.copyOf(values, count);
  }

  private static Entry checkedEntry(String name, DType dtype, long[] shape, long[] offsets)
      throws Malformed {
    if (offsets.length != 2) {
      throw new Malformed(
          "'data_offsets' of tensor '%s' has %d values, not 2".formatted(name, offsets.length));
    }
    long begin = offsets[0];
    long end = offsets[1];
    if (begin > end) {
      throw new Malformed(
          "the offsets of tensor '%s' are out of order: %d > %d".formatted(name, begin, end));
    }
    long bytes;
    try {
      bytes = Math.multiplyExact(Shapes.elementCount(shape), (long) dtype.bytes());
    } catch (ArithmeticException e) {
      throw new Malformed(
          "the shape %s of tensor '%s' overflows".formatted(Arrays.toString(shape), name));
    }
    if (bytes != end - begin) {
      throw new Malformed(
          "tensor '%s' of shape %s and type %s takes %d bytes, but its offsets span %d"
              .formatted(name, Arrays.toString(shape), dtype, bytes, end - begin));
    }
    return new Entry(dtype, shape, begin, end);
  }

  private static void checkLayout(Map<String, Entry> entries, long dataLength) throws Malformed {
    List<Map.Entry<String, Entry>> inOrder = new ArrayList<>(entries.entrySet());
    inOrder.sort(
        Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().begin())
            .thenComparingLong(e -> e.getValue().end()));
    long covered = 0;
    for (Map.Entry<String, Entry> named : inOrder) {
      Entry entry = named.getValue();
      if (entry.end() > dataLength) {
        throw new Malformed(
            "the data is truncated: tensor '%s' ends at byte %d of the data, the file at %d"
                .formatted(named.getKey(), entry.end(), dataLength));
      }
      if (entry.begin() < covered) {
        throw new Malformed(
            "tensor '%s' begins at byte %d of the data and overlaps the one before, which ends at"
                    .formatted(named.getKey(), entry.begin())
                + " "
                + covered);
      }
      if (entry.begin() > covered) {
        throw new Malformed(
            "the data has a hole of %d bytes before tensor '%s'"
                .formatted(entry.begin() - covered, named.getKey()));
      }
      covered = entry.end();
    }
    if (covered != dataLength) {
      throw new Malformed(
          "the file goes on for %d bytes after its last tensor".formatted(dataLength - covered));
    }
  }
}
