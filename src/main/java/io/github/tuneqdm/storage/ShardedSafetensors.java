package io.github.tuneqdm.storage;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Several safetensors files under one {@code *.index.json}, whose {@code weight_map} says which
 * tensor is in which file of the same folder.
 */
public final class ShardedSafetensors implements TensorSource {
  private static final long MAX_INDEX_BYTES = SafetensorsHeader.MAX_LENGTH;
  private static final JsonMapper JSON = // keeps no names of one file for the next
      JsonMapper.builder(
              JsonFactory.builder().disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES).build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build();

  private final Path index;
  private final Map<String, String> shardOfTensor;
  private final Map<String, SafetensorsFile> shards;

  private ShardedSafetensors(
      Path index, Map<String, String> shardOfTensor, Map<String, SafetensorsFile> shards) {
    this.index = index;
    this.shardOfTensor = shardOfTensor;
    this.shards = shards;
  }

  /**
   * Opens the index and all its shards, and checks that both agree.
   *
   * @throws TuneQdmException (input data) where index or shard is absent or malformed, a shard lies
   *     outside the folder, or index and shards name different tensors
   */
  public static ShardedSafetensors open(Path index) {
    Map<String, String> shardOfTensor = readWeightMap(index);
    Map<String, SafetensorsFile> shards = new TreeMap<>();
    try {
      for (String shard : shardOfTensor.values()) {
        if (!shards.containsKey(shard)) {
          shards.put(shard, SafetensorsFile.open(index.resolveSibling(shard)));
        }
      }
      checkAgreement(index, shardOfTensor, shards);
    } catch (RuntimeException e) {
      shards.values().forEach(SafetensorsFile::close);
      throw e;
    }
    return new ShardedSafetensors(index, Collections.unmodifiableMap(shardOfTensor), shards);
  }

  /** The shards' paths, sorted by name, without opening them. */
  static List<Path> shardPaths(Path index) {
    return readWeightMap(index).values().stream()
        .distinct()
        .sorted()
        .map(index::resolveSibling)
        .toList();
  }

  private static Map<String, String> readWeightMap(Path index) {
    JsonNode weightMap;
    try {
      if (Files.size(index) > MAX_INDEX_BYTES) {
        throw malformed(index, "it is larger than " + MAX_INDEX_BYTES + " bytes");
      }
      weightMap = JSON.readTree(Files.readAllBytes(index)).path("weight_map");
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read %s: %s".formatted(index, reason(e)), e);
    }
    if (!weightMap.isObject() || weightMap.isEmpty()) {
      throw malformed(index, "it has no 'weight_map' object");
    }
    Map<String, String> shardOfTensor = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : weightMap.properties()) {
      String shard = entry.getValue().asText();
      if (!entry.getValue().isTextual() || !isPlainFileName(shard)) {
        throw malformed(
            index,
            "'weight_map' puts tensor '%s' into %s, which is not a file name of this folder"
                .formatted(entry.getKey(), entry.getValue()));
      }
      shardOfTensor.put(entry.getKey(), shard);
    }
    return shardOfTensor;
  }

  private static boolean isPlainFileName(String name) {
    return name.endsWith(".safetensors")
        && name.chars().noneMatch(c -> c == '/' || c == '\\' || c < ' ')
        && !name.startsWith(".");
  }

  private static void checkAgreement(
      Path index, Map<String, String> shardOfTensor, Map<String, SafetensorsFile> shards) {
    shardOfTensor.forEach(
        (tensor, shard) -> {
          if (!shards.get(shard).names().contains(tensor)) {
            throw malformed(
                index, "tensor '%s' should be in %s and is not".formatted(tensor, shard));
          }
        });
    shards.forEach(
        (shard, file) -> {
          for (String tensor : file.names()) {
            if (!shard.equals(shardOfTensor.get(tensor))) {
              throw malformed(
                  index,
                  "%s holds tensor '%s', which 'weight_map' does not put there"
                      .formatted(shard, tensor));
            }
          }
        });
  }

  private static String reason(IOException e) {
    return e instanceof NoSuchFileException
        ? "there is no such file"
        : e instanceof JsonProcessingException json
            ? "not valid JSON (%s)".formatted(json.getOriginalMessage())
            : String.valueOf(e.getMessage());
  }

  private static TuneQdmException malformed(Path index, String reason) {
    return TuneQdmException.inputData("Cannot read %s: %s".formatted(index, reason));
  }

  @Override
  public Set<String> names() {
    return shardOfTensor.keySet();
  }

  @Override
  public StoredTensor tensor(String name) {
    return shard(name).tensor(name);
  }

  @Override
  public DType dtype(String name) {
    return shard(name).dtype(name);
  }

  @Override
  public long[] shape(String name) {
    return shard(name).shape(name);
  }

  private SafetensorsFile shard(String name) {
    String shard = shardOfTensor.get(name);
    if (shard == null) {
      throw TuneQdmException.inputData(
          "Cannot read tensor '%s': %s has no tensor of that name".formatted(name, index));
    }
    return shards.get(shard);
  }

  /** The shards' metadata together; where shards differ, the last shard by name wins. */
  @Override
  public Map<String, String> metadata() {
    Map<String, String> all = new LinkedHashMap<>();
    shards.values().forEach(shard -> all.putAll(shard.metadata()));
    return Collections.unmodifiableMap(all);
  }

  @Override
  public void close() {
    shards.values().forEach(SafetensorsFile::close);
  }
}
