package io.github.tuneqdm.quant;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.SafetensorsFile;
import io.github.tuneqdm.storage.TensorSource;
import java.io.IOException;
import java.lang.ref.SoftReference;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * A quantised UNet on a local disk: integers of every linear and convolution layer, all other
 * tensors as they were. The folder's name is determined by its content:
 *
 * <pre>
 * base-&lt;id&gt;/layers.parquet/part-00000.parquet ...   one row a layer
 *             float.safetensors                       norms, biases, embeddings
 *             manifest.json                           written last
 * </pre>
 *
 * <p>Opening verifies every file's hash, reading verifies every layer's. Plan one with {@link
 * BasePlan}, write it with {@link BaseWriter}. Safe to share between threads.
 */
public final class QuantizedBase implements AutoCloseable {
  private final Path folder;
  private final BaseManifest manifest;
  private final SafetensorsFile floats;
  private final Map<String, BaseManifest.PartFile> partOfLayer;

  /** Parts that were read, for as long as memory lasts: callers ask layer by layer. */
  private final Map<BaseManifest.PartFile, SoftReference<Map<String, LayerRow>>> rows =
      new HashMap<>();

  private QuantizedBase(Path folder, BaseManifest manifest, SafetensorsFile floats) {
    this.folder = folder;
    this.manifest = manifest;
    this.floats = floats;
    Map<String, BaseManifest.PartFile> parts = new LinkedHashMap<>();
    for (BaseManifest.PartFile part : manifest.parts()) {
      part.layers().forEach(layer -> parts.put(layer, part));
    }
    this.partOfLayer = Collections.unmodifiableMap(parts);
  }

  /**
   * Opens a base and verifies all its files.
   *
   * @throws TuneQdmException (input data) where it is unfinished or damaged
   */
  public static QuantizedBase open(Path folder) {
    Path manifestFile = folder.resolve(BaseManifest.FILE_NAME);
    BaseManifest manifest;
    try {
      if (Files.size(manifestFile) > BaseManifest.MAX_BYTES) {
        throw damaged(manifestFile, "it is larger than 64 MiB");
      }
      manifest = BaseManifest.parse(Files.readAllBytes(manifestFile), manifestFile);
    } catch (NoSuchFileException e) {
      throw TuneQdmException.inputData(
          "Cannot read the quantised base %s: it has no %s (run quantize-base to the end)"
              .formatted(folder, BaseManifest.FILE_NAME),
          e);
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read %s: %s".formatted(manifestFile, e), e);
    }
    manifest.parts().forEach(part -> verify(folder, part.file()));
    verify(folder, manifest.floats());
    return new QuantizedBase(
        folder, manifest, SafetensorsFile.open(folder.resolve(manifest.floats().path())));
  }

  /**
   * Hash of the UNet's tensors that a base was made of, from its manifest alone.
   *
   * @param where the manifest lies, for messages
   */
  public static String source(byte[] manifest, String where) {
    return BaseManifest.parse(manifest, where).sourceSha256();
  }

  private static void verify(Path folder, BaseManifest.BaseFile file) {
    Path path = folder.resolve(file.path());
    if (!Files.isRegularFile(path)) {
      throw damaged(path, "the file is missing");
    }
    try {
      long bytes = Files.size(path);
      if (bytes != file.bytes()) {
        throw damaged(path, "it has %d bytes, not %d".formatted(bytes, file.bytes()));
      }
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read %s: %s".formatted(path, e), e);
    }
    if (!Hashes.sha256(path).equals(file.sha256())) {
      throw damaged(path, "its content does not match its sha256 in the manifest");
    }
  }

  private static TuneQdmException damaged(Path path, String reason) {
    return TuneQdmException.inputData(
        "Cannot read %s: %s (delete the base, it is made anew)".formatted(path, reason));
  }

  /** First 12 hex digits of the hash of all that determines the base. */
  public String id() {
    return manifest.id();
  }

  public QuantizerSettings settings() {
    return manifest.settings();
  }

  /** Hash of the tensors of the UNet it was made from. */
  public String sourceSha256() {
    return manifest.sourceSha256();
  }

  /** The text of the UNet's {@code config.json}. */
  public String unetConfig() {
    return manifest.unetConfig();
  }

  /** Names of the quantised layers, without {@code .weight}, sorted. */
  public Set<String> layerNames() {
    return partOfLayer.keySet();
  }

  /**
   * One layer's integers, scales and zero-points.
   *
   * @throws TuneQdmException (input data) where there is no such layer or it is damaged
   */
  public QuantizedWeight layer(String name) {
    BaseManifest.PartFile part = partOfLayer.get(name);
    if (part == null) {
      throw TuneQdmException.inputData(
          "Cannot read layer '%s': the quantised base %s has no layer of that name"
              .formatted(name, folder));
    }
    return rows(part).get(name).weight(folder.resolve(part.file().path()), settings());
  }

  private synchronized Map<String, LayerRow> rows(BaseManifest.PartFile part) {
    SoftReference<Map<String, LayerRow>> reference = rows.get(part);
    Map<String, LayerRow> known = reference == null ? null : reference.get();
    if (known == null) {
      known = readPart(part);
      rows.put(part, new SoftReference<>(known));
    }
    return known;
  }

  private Map<String, LayerRow> readPart(BaseManifest.PartFile part) {
    Path path = folder.resolve(part.file().path());
    Map<String, LayerRow> byName = new LinkedHashMap<>();
    for (LayerRow row : LayerRow.TABLE.read(path)) {
      byName.put(row.name(), row);
    }
    if (!new ArrayList<>(byName.keySet()).equals(part.layers())) {
      throw damaged(path, "its layers are not those of the manifest");
    }
    return byName;
  }

  /** The tensors that are not quantised, under their own names; closed with the base. */
  public TensorSource floats() {
    return floats;
  }

  @Override
  public void close() {
    floats.close();
  }

  @Override
  public String toString() {
    return "base-" + id();
  }
}
