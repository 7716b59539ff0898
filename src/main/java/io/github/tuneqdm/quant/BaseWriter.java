package io.github.tuneqdm.quant;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.ModelWeights;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.storage.SafetensorsWriter;
import io.github.tuneqdm.storage.StorageProblem;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.FileSystem;

/**
 * Writes a quantised base: any number of tasks write parts, in any order and as often as they like;
 * then one caller finishes with the other tensors and the manifest.
 */
public final class BaseWriter {
  private BaseWriter() {}

  /**
   * What a written part is, for {@link #finish}.
   *
   * @param part index of the part in its plan
   * @param bytes length of the file
   * @param sha256 hash of the file
   */
  public record PartReceipt(int part, long bytes, String sha256) implements Serializable {}

  /** Where the base of a plan lies under a folder of bases. */
  public static org.apache.hadoop.fs.Path folder(org.apache.hadoop.fs.Path bases, BasePlan plan) {
    return new org.apache.hadoop.fs.Path(bases, plan.folderName());
  }

  /**
   * Whether the base is there already and needs no work.
   *
   * @throws TuneQdmException (environment) where the storage cannot be reached
   */
  public static boolean isFinished(FileSystem fs, org.apache.hadoop.fs.Path bases, BasePlan plan) {
    org.apache.hadoop.fs.Path manifest =
        new org.apache.hadoop.fs.Path(folder(bases, plan), BaseManifest.FILE_NAME);
    try {
      return fs.exists(manifest);
    } catch (IOException e) {
      throw StorageProblem.environment("Cannot reach " + manifest, e);
    }
  }

  /**
   * Quantises the layers of one part and publishes its file. Doing it again changes nothing.
   *
   * @param unetDir a local copy of the folder that was planned
   * @param part index of the part
   * @throws TuneQdmException (input data) where a weight is not finite or is not what was planned;
   *     (environment) where the file cannot be written
   */
  public static PartReceipt writePart(
      Path unetDir, BasePlan plan, int part, FileSystem fs, org.apache.hadoop.fs.Path bases) {
    BasePlan.Part layers = plan.parts().get(part);
    List<LayerRow> rows = new ArrayList<>();
    try (TensorSource unet = ModelWeights.open(unetDir)) {
      for (BasePlan.Layer layer : layers.layers()) {
        StoredTensor weight = unet.tensor(layer.name() + BasePlan.WEIGHT_SUFFIX);
        if (!Hashes.sha256(List.of(weight.bytes())).equals(layer.sourceSha256())) {
          throw TuneQdmException.inputData(
              "Cannot quantise layer '%s': %s has changed since the job was planned"
                  .formatted(layer.name(), unetDir));
        }
        rows.add(
            LayerRow.of(
                layer.name(),
                WeightQuantizer.quantize(
                    layer.name(), weight.toFloats(), weight.shape(), plan.settings())));
      }
    }
    Publisher.Published published =
        LayerRow.TABLE.publish(
            fs, new org.apache.hadoop.fs.Path(folder(bases, plan), layers.fileName()), rows);
    return new PartReceipt(part, published.length(), published.sha256());
  }

  /**
   * Writes the tensors that are not quantised and, last, the manifest.
   *
   * @param receipts one for each part of the plan, in any order
   * @return the folder of the finished base
   * @throws TuneQdmException (input data) where a tensor is not finite; (environment) where the
   *     files cannot be written
   */
  public static org.apache.hadoop.fs.Path finish(
      Path unetDir,
      BasePlan plan,
      List<PartReceipt> receipts,
      FileSystem fs,
      org.apache.hadoop.fs.Path bases) {
    Map<Integer, PartReceipt> byPart = new LinkedHashMap<>();
    receipts.forEach(receipt -> byPart.put(receipt.part(), receipt));
    List<BaseManifest.PartFile> parts = new ArrayList<>();
    for (BasePlan.Part part : plan.parts()) {
      PartReceipt receipt = byPart.get(part.index());
      if (receipt == null) {
        throw new IllegalArgumentException("Part %d was not written".formatted(part.index()));
      }
      parts.add(
          new BaseManifest.PartFile(
              new BaseManifest.BaseFile(part.fileName(), receipt.bytes(), receipt.sha256()),
              part.layers().stream().map(BasePlan.Layer::name).toList()));
    }
    org.apache.hadoop.fs.Path folder = folder(bases, plan);
    Publisher.Published floats = writeFloats(unetDir, plan, fs, folder);
    BaseManifest manifest =
        new BaseManifest(
            plan.id(),
            plan.settings(),
            plan.sourceSha256(),
            plan.unetConfig(),
            parts,
            new BaseManifest.BaseFile(BaseManifest.FLOAT_FILE, floats.length(), floats.sha256()));
    Publisher.publish(
        fs, new org.apache.hadoop.fs.Path(folder, BaseManifest.FILE_NAME), manifest.toJson());
    return folder;
  }

  private static Publisher.Published writeFloats(
      Path unetDir, BasePlan plan, FileSystem fs, org.apache.hadoop.fs.Path folder) {
    try (TensorSource unet = ModelWeights.open(unetDir)) {
      Map<String, StoredTensor> tensors = new LinkedHashMap<>();
      for (String name : plan.floatTensors()) {
        tensors.put(name, unet.tensor(name));
      }
      Path local = Files.createTempFile("tuneqdm-float-", ".safetensors");
      try {
        SafetensorsWriter.write(local, tensors, Map.of("base", plan.id()));
        return Publisher.publish(
            fs, new org.apache.hadoop.fs.Path(folder, BaseManifest.FLOAT_FILE), local);
      } finally {
        Files.delete(local);
      }
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot write a temporary file: " + e.getMessage(), e);
    }
  }
}
