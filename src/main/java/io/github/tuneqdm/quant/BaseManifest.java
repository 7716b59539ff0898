package io.github.tuneqdm.quant;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.Hashes;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.apache.parquet.Version;

/**
 * The {@code manifest.json} of a quantised base; written last, so a folder that has one is whole.
 *
 * @param id the base's id
 * @param settings the quantiser's
 * @param sourceSha256 hash of the UNet's tensors
 * @param unetConfig text of the UNet's {@code config.json}
 * @param parts the files with layers
 * @param floats the file with all other tensors
 */
record BaseManifest(
    String id,
    QuantizerSettings settings,
    String sourceSha256,
    String unetConfig,
    List<PartFile> parts,
    BaseFile floats) {

  static final String FILE_NAME = "manifest.json";
  static final long MAX_BYTES = 64 << 20;
  static final String FLOAT_FILE = "float.safetensors";
  private static final String FORMAT = "tuneqdm-base";
  private static final String OWN_HASH = "sha256";

  /** A file of the folder; {@code path} is relative to it. */
  record BaseFile(String path, long bytes, String sha256) {}

  /** A file and the names of its layers, in order. */
  record PartFile(BaseFile file, List<String> layers) {}

  byte[] toJson() {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("format", FORMAT);
    root.put("format_version", BasePlan.FORMAT_VERSION);
    root.put("id", id);
    root.putObject("quantizer")
        .put("method", "round-to-nearest")
        .put("bits", settings.bits())
        .put("symmetric", settings.symmetric());
    root.putObject("source").put("sha256", sourceSha256).put("unet_config", unetConfig);
    ArrayNode partList = root.putArray("parts");
    for (PartFile part : parts) {
      ObjectNode entry = put(partList.addObject(), part.file());
      ArrayNode names = entry.putArray("layers");
      part.layers().forEach(names::add);
    }
    put(root.putObject("float"), floats);
    root.putObject("versions")
        .put("tuneqdm", productVersion())
        .put("parquet", Version.FULL_VERSION);
    root.put(OWN_HASH, Hashes.sha256(root.toString()));
    String text = root.toPrettyString();
    return (text.replace("\r\n", "\n") + "\n").getBytes(StandardCharsets.UTF_8);
  }

  private static ObjectNode put(ObjectNode entry, BaseFile file) {
    return entry.put("path", file.path()).put("bytes", file.bytes()).put("sha256", file.sha256());
  }

  private static String productVersion() {
    return Objects.requireNonNullElse(
        BaseManifest.class.getPackage().getImplementationVersion(), "development");
  }

  /**
   * Parses and checks a manifest.
   *
   * @param origin the file, for messages
   * @throws TuneQdmException (input data) where it is not a manifest or contradicts itself
   */
  static BaseManifest parse(byte[] json, Object origin) {
    JsonNode root;
    try {
      root = new ObjectMapper().readTree(new String(json, StandardCharsets.UTF_8));
    } catch (JsonProcessingException e) {
      throw malformed(origin, "not valid JSON (%s)".formatted(e.getOriginalMessage()));
    }
    if (!root.isObject() || !root.path("format").asText().equals(FORMAT)) {
      throw malformed(origin, "it is not the manifest of a quantised base");
    }
    if (!isWhole(root)) {
      throw malformed(origin, "its content does not match its own sha256");
    }
    if (root.path("format_version").asInt() != BasePlan.FORMAT_VERSION) {
      throw malformed(
          origin,
          "its format version is %s, this release reads %d"
              .formatted(root.path("format_version"), BasePlan.FORMAT_VERSION));
    }
    long bits = number(root.path("quantizer"), "bits", origin);
    JsonNode symmetric = root.path("quantizer").path("symmetric");
    if (bits < 2 || bits > 8 || !symmetric.isBoolean()) {
      throw malformed(origin, "its quantizer settings are not acceptable");
    }
    List<PartFile> parts = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (JsonNode part : root.path("parts")) {
      List<String> names = new ArrayList<>();
      for (JsonNode name : part.path("layers")) {
        if (!seen.add(name.asText())) {
          throw malformed(origin, "layer '%s' occurs twice".formatted(name.asText()));
        }
        names.add(name.asText());
      }
      parts.add(new PartFile(file(part, origin), List.copyOf(names)));
    }
    if (seen.isEmpty()) {
      throw malformed(origin, "it names no layers");
    }
    BaseManifest manifest =
        new BaseManifest(
            text(root, "id", origin),
            new QuantizerSettings((int) bits, symmetric.asBoolean()),
            text(root.path("source"), "sha256", origin),
            text(root.path("source"), "unet_config", origin),
            List.copyOf(parts),
            file(root.path("float"), origin));
    String id = BasePlan.id(manifest.sourceSha256, manifest.unetConfig, manifest.settings);
    if (!id.equals(manifest.id)) {
      throw malformed(
          origin, "its id is %s, but source and settings give %s".formatted(manifest.id, id));
    }
    return manifest;
  }

  /** The manifest's last field is the hash of all before it, as compact JSON. */
  private static boolean isWhole(JsonNode root) {
    ObjectNode rest = root.deepCopy();
    JsonNode hash = rest.remove(OWN_HASH);
    return hash != null && hash.asText().equals(Hashes.sha256(rest.toString()));
  }

  private static BaseFile file(JsonNode entry, Object origin) {
    String path = text(entry, "path", origin);
    if (!path.matches("(layers\\.parquet/)?[A-Za-z0-9_-][A-Za-z0-9._-]*")) {
      throw malformed(origin, "the path '%s' is not one of the folder's own".formatted(path));
    }
    return new BaseFile(path, number(entry, "bytes", origin), text(entry, "sha256", origin));
  }

  private static String text(JsonNode node, String key, Object origin) {
    if (!node.path(key).isTextual()) {
      throw malformed(origin, "it lacks the text '%s'".formatted(key));
    }
    return node.path(key).asText();
  }

  private static long number(JsonNode node, String key, Object origin) {
    if (!node.path(key).canConvertToLong()) {
      throw malformed(origin, "it lacks the number '%s'".formatted(key));
    }
    return node.path(key).asLong();
  }

  private static TuneQdmException malformed(Object origin, String reason) {
    return TuneQdmException.inputData("Cannot read %s: %s".formatted(origin, reason));
  }
}
