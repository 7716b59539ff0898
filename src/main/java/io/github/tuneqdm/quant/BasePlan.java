package io.github.tuneqdm.quant;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.Finiteness;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.ModelWeights;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a quantised base will hold and who writes what: a function of the UNet and the settings
 * alone, so that every cluster makes the same parts of the same bytes.
 *
 * @param id first 12 hex digits of the hash of all that determines the base
 * @param settings the quantiser's
 * @param sourceSha256 hash of the UNet's tensors (names, types, extents, bytes), however they are
 *     spread over files
 * @param unetConfig the text of the UNet's {@code config.json}
 * @param parts the parts, in order; each layer is in exactly one
 * @param floatTensors names of the tensors that are kept as they are, sorted
 */
public record BasePlan(
    String id,
    QuantizerSettings settings,
    String sourceSha256,
    String unetConfig,
    List<Part> parts,
    List<String> floatTensors)
    implements Serializable {

  /** Version of the folder's format; a new one makes new ids. */
  static final int FORMAT_VERSION = 1;

  private static final int MAX_PARTS = 64;

  /** Smaller parts are not worth a task of their own. */
  private static final long MIN_PART_WEIGHTS = 1 << 20;

  static final String WEIGHT_SUFFIX = ".weight";

  /**
   * Layers one task quantises into one file.
   *
   * @param index place among the parts
   * @param layers in order of their names
   */
  public record Part(int index, List<Layer> layers) implements Serializable {
    String fileName() {
      return "layers.parquet/part-%05d.parquet".formatted(index);
    }
  }

  /**
   * One layer to quantise.
   *
   * @param name without {@code .weight}
   * @param kind linear or convolution
   * @param weights number of weights
   * @param sourceSha256 hash of its weight's bytes in the model folder
   */
  public record Layer(String name, LayerKind kind, long weights, String sourceSha256)
      implements Serializable {}

  /** The folder's name: {@code base-<id>}. */
  public String folderName() {
    return "base-" + id;
  }

  /** Number of layers in all parts. */
  public int layerCount() {
    return parts.stream().mapToInt(part -> part.layers().size()).sum();
  }

  /**
   * Plans the base of a UNet; reads all its weights once, to hash them.
   *
   * @param unetDir a local folder with {@code config.json} and safetensors weights
   * @throws TuneQdmException (input data) where the folder is not a readable model
   */
  public static BasePlan of(Path unetDir, QuantizerSettings settings) {
    String config = readConfig(unetDir);
    try (TensorSource unet = ModelWeights.open(unetDir)) {
      Map<String, String> hashes = hashes(unetDir, unet);
      List<Layer> layers = new ArrayList<>();
      List<String> floats = new ArrayList<>();
      StringBuilder source = new StringBuilder();
      JsonNode configTree = parseConfig(unetDir, config);
      hashes.forEach(
          (name, sha256) -> {
            long[] shape = unet.shape(name);
            source.append(
                "%s %s %s %s\n".formatted(name, unet.dtype(name), Arrays.toString(shape), sha256));
            if (isQuantisable(name, unet, configTree)) {
              if (Arrays.stream(shape).anyMatch(extent -> extent == 0)) {
                throw TuneQdmException.inputData(
                    "Cannot quantise %s: '%s' of shape %s is empty"
                        .formatted(unetDir, name, Arrays.toString(shape)));
              }
              layers.add(
                  new Layer(
                      name.substring(0, name.length() - WEIGHT_SUFFIX.length()),
                      LayerKind.ofRank(shape.length),
                      Arrays.stream(shape).reduce(1, Math::multiplyExact),
                      sha256));
            } else {
              floats.add(name);
            }
          });
      if (layers.isEmpty()) {
        throw TuneQdmException.inputData(
            "Cannot quantise %s: it has no linear or convolution layer".formatted(unetDir));
      }
      String sourceSha256 = Hashes.sha256(source.toString());
      return new BasePlan(
          id(sourceSha256, config, settings),
          settings,
          sourceSha256,
          config,
          partition(layers),
          List.copyOf(floats));
    }
  }

  /** The id that source, configuration and settings determine. */
  static String id(String sourceSha256, String unetConfig, QuantizerSettings settings) {
    String all =
        "tuneqdm-base %d\nsource %s\nconfig %s\nbits %d symmetric %b\n"
            .formatted(
                FORMAT_VERSION,
                sourceSha256,
                Hashes.sha256(unetConfig),
                settings.bits(),
                settings.symmetric());
    return Hashes.sha256(all).substring(0, 12);
  }

  private static String readConfig(Path unetDir) {
    Path file = unetDir.resolve("config.json");
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read %s: %s".formatted(file, e), e);
    }
  }

  private static JsonNode parseConfig(Path unetDir, String config) {
    try {
      return new ObjectMapper().readTree(config);
    } catch (JsonProcessingException e) {
      throw TuneQdmException.inputData(
          "Cannot read %s: not valid JSON (%s)"
              .formatted(unetDir.resolve("config.json"), e.getOriginalMessage()),
          e);
    }
  }

  /** Hash of each tensor's bytes, sorted by name; refuses values that are not finite. */
  private static Map<String, String> hashes(Path unetDir, TensorSource unet) {
    List<String> names = unet.names().stream().sorted().toList();
    List<String> hashes =
        names.parallelStream().map(name -> hash(unetDir, name, unet.tensor(name))).toList();
    Map<String, String> byName = new LinkedHashMap<>();
    for (int i = 0; i < names.size(); i++) {
      byName.put(names.get(i), hashes.get(i));
    }
    return byName;
  }

  private static String hash(Path unetDir, String name, StoredTensor tensor) {
    Finiteness.firstNonFinite(tensor)
        .ifPresent(
            at -> {
              throw TuneQdmException.inputData(
                  "Cannot quantise %s: value %d of tensor '%s' is not a finite number (the file is damaged or training it diverged)"
                      .formatted(unetDir, at, name));
            });
    return Hashes.sha256(List.of(tensor.bytes()));
  }

  /** Every Linear and Conv2d weight: floating, of rank 2 or 4, and not an embedding table. */
  private static boolean isQuantisable(String name, TensorSource unet, JsonNode config) {
    int rank = unet.shape(name).length;
    return name.endsWith(WEIGHT_SUFFIX)
        && unet.dtype(name).floating()
        && (rank == 2 || rank == 4)
        && !isClassTable(name, config);
  }

  /**
   * With {@code num_class_embeds} and no {@code class_embed_type}, diffusers' class embedding is a
   * table of vectors; with {@code class_embed_type} it consists of linear layers.
   */
  private static boolean isClassTable(String name, JsonNode config) {
    return name.equals("class_embedding.weight")
        && config.path("num_class_embeds").isNumber()
        && !config.path("class_embed_type").isTextual();
  }

  private static List<Part> partition(List<Layer> layers) {
    long total = layers.stream().mapToLong(Layer::weights).sum();
    long capacity = Math.max(MIN_PART_WEIGHTS, (total + MAX_PARTS - 1) / MAX_PARTS);
    List<Part> parts = new ArrayList<>();
    List<Layer> current = new ArrayList<>();
    long filled = 0;
    for (Layer layer : layers) {
      if (!current.isEmpty() && filled + layer.weights() > capacity) {
        parts.add(new Part(parts.size(), List.copyOf(current)));
        current.clear();
        filled = 0;
      }
      current.add(layer);
      filled += layer.weights();
    }
    parts.add(new Part(parts.size(), List.copyOf(current)));
    return List.copyOf(parts);
  }
}
