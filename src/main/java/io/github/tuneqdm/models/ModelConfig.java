package io.github.tuneqdm.models;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A config.json with typed access: every failure names the file and the key. */
public final class ModelConfig {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long MAX_BYTES = 16 << 20;

  private final JsonNode root;
  private final String where;

  private ModelConfig(JsonNode root, String where) {
    this.root = root;
    this.where = where;
  }

  public static ModelConfig read(Path file) {
    try {
      if (!Files.isRegularFile(file)) {
        throw TuneQdmException.inputData("Cannot read " + file + ": there is no such file");
      }
      if (Files.size(file) > MAX_BYTES) {
        throw TuneQdmException.inputData("Cannot read " + file + ": larger than 16 MiB");
      }
      return parse(Files.readString(file), file.toString());
    } catch (CharacterCodingException e) {
      throw TuneQdmException.inputData("Cannot read " + file + ": it is not UTF-8 text", e);
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  /**
   * @param where names the source in messages
   */
  public static ModelConfig parse(String json, String where) {
    try {
      JsonNode root = JSON.readTree(json);
      if (root == null || !root.isObject()) {
        throw TuneQdmException.inputData("Cannot read " + where + ": not a JSON object");
      }
      return new ModelConfig(root, where);
    } catch (JsonProcessingException e) {
      throw TuneQdmException.inputData("Cannot read " + where + ": " + e.getOriginalMessage(), e);
    }
  }

  public String where() {
    return where;
  }

  public JsonNode json() {
    return root;
  }

  public ModelConfig object(String key) {
    JsonNode node = root.path(key);
    if (!node.isObject()) {
      throw bad(key, "must be an object");
    }
    return new ModelConfig(node, where + ", " + key);
  }

  public boolean isSet(String key) {
    return root.hasNonNull(key);
  }

  public String string(String key, String absent) {
    return isSet(key) ? root.get(key).asText() : absent;
  }

  /** A positive integer that the file must hold. */
  public int size(String key) {
    if (!isSet(key)) {
      throw bad(key, "is missing");
    }
    return size(key, 0);
  }

  public int size(String key, int absent) {
    return isSet(key) ? positive(key, root.get(key)) : absent;
  }

  public double number(String key, double absent) {
    if (!isSet(key)) {
      return absent;
    }
    if (!root.get(key).isNumber() || !Double.isFinite(root.get(key).asDouble())) {
      throw bad(key, "must be a number, found " + root.get(key));
    }
    return root.get(key).asDouble();
  }

  public boolean flag(String key, boolean absent) {
    if (!isSet(key)) {
      return absent;
    }
    if (!root.get(key).isBoolean()) {
      throw bad(key, "must be true or false, found " + root.get(key));
    }
    return root.get(key).asBoolean();
  }

  public List<String> strings(String key) {
    JsonNode node = root.path(key);
    if (!node.isArray() || node.isEmpty()) {
      throw bad(key, "must be a list of names");
    }
    List<String> values = new ArrayList<>();
    node.forEach(n -> values.add(n.asText()));
    return values;
  }

  /** A list of sizes, or one size repeated {@code count} times. */
  public List<Integer> sizes(String key, int count, Integer absent) {
    List<Integer> values = new ArrayList<>();
    JsonNode node = root.path(key);
    if (node.isArray()) {
      node.forEach(n -> values.add(positive(key, n)));
      if (values.size() != count) {
        throw bad(key, "has " + values.size() + " entries for " + count + " blocks");
      }
      return values;
    }
    if (!isSet(key) && absent == null) {
      throw bad(key, "is missing");
    }
    int value = isSet(key) ? positive(key, node) : absent;
    for (int i = 0; i < count; i++) {
      values.add(value);
    }
    return values;
  }

  public List<Integer> sizeList(String key) {
    JsonNode node = root.path(key);
    if (!node.isArray() || node.isEmpty()) {
      throw bad(key, "must be a list of sizes");
    }
    return sizes(key, node.size(), null);
  }

  /** Refuses a setting that this software does not compute. */
  public void requireAbsent(String key, Object harmless) {
    if (isSet(key) && !root.get(key).asText().equals(String.valueOf(harmless))) {
      throw bad(key, "= " + root.get(key) + " is not supported");
    }
  }

  /** Refuses a number of groups or heads that does not divide the channels it shares out. */
  void requireDivides(String key, int divisor, int channels) {
    if (channels % divisor != 0) {
      throw bad(key, "= %d does not divide %d channels".formatted(divisor, channels));
    }
  }

  public TuneQdmException bad(String key, String why) {
    return TuneQdmException.inputData("Cannot use " + where + ": " + key + " " + why);
  }

  private int positive(String key, JsonNode node) {
    if (!node.isIntegralNumber() || !node.canConvertToInt() || node.asInt() <= 0) {
      throw bad(key, "must be a positive integer, found " + node);
    }
    if (node.asInt() > 1 << 24) {
      throw bad(key, "is beyond any known model: " + node);
    }
    return node.asInt();
  }
}
