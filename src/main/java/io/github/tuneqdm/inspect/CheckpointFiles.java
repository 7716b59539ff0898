package io.github.tuneqdm.inspect;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.SafetensorsFile;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.storage.TuneQdmCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A subject's scales or weights, the reference's {@code tuneqdm_state.pt}, or plain tensors. */
final class CheckpointFiles {
  private static final String OUT = ".delta_out";
  private static final String IN = ".delta_in";

  /** What checkpoints of other methods than scales hold, by their format. */
  private static final Map<String, String> WEIGHTS =
      Map.of(
          "tuneqdm-lora-1", "low-rank additions",
          "tuneqdm-unet-1", "weights",
          "tuneqdm-nothing-1", "trained");

  private static final List<String> FACTS =
      List.of(
          "subject", "class", "prompt", "base", "run", "method", "rank", "alpha", "step",
          "experts");

  private CheckpointFiles() {}

  static Description describe(Path file) {
    String name = file.getFileName().toString();
    if (name.endsWith(".safetensors")) {
      return safetensors(file);
    }
    if (name.endsWith(".pt") || name.endsWith(".pth") || name.endsWith(".bin")) {
      return official(file);
    }
    throw TuneQdmException.inputData("Cannot inspect " + file + ": neither .safetensors nor .pt");
  }

  private static Description safetensors(Path file) {
    try (TensorSource source = SafetensorsFile.open(file)) {
      Map<String, String> metadata = new TreeMap<>(source.metadata());
      boolean deltas = source.names().stream().anyMatch(n -> n.endsWith(OUT));
      Description d = new Description();
      if (!deltas) {
        return Optional.ofNullable(WEIGHTS.get(metadata.get("format")))
            .map(what -> weights(file, source, what, d))
            .orElseGet(() -> tensors(file, source, d));
      }
      long scales = 0;
      long layers = 0;
      for (String n : source.names()) {
        StoredTensor tensor = source.tensor(n);
        requireFinite(file, n, tensor);
        scales += tensor.elementCount();
        layers += n.endsWith(OUT) ? 1 : 0;
        if (!n.endsWith(OUT) && !n.endsWith(IN)) {
          throw TuneQdmException.inputData(
              "Cannot use the checkpoint " + file + ": it holds " + n + ", which is no scale");
        }
      }
      d.title("Checkpoint " + file).add("size", Description.bytes(size(file)));
      addFacts(d, metadata);
      return d.add("layers", layers).add("scales", Description.count(scales) + " (float32)");
    }
  }

  private static void addFacts(Description d, Map<String, String> metadata) {
    for (String key : FACTS) {
      if (metadata.containsKey(key)) {
        d.add(key, metadata.get(key));
      }
    }
  }

  private static Description weights(Path file, TensorSource source, String what, Description d) {
    long numbers = 0;
    for (String n : source.names()) {
      StoredTensor tensor = source.tensor(n);
      requireFinite(file, n, tensor);
      numbers += tensor.elementCount();
    }
    d.title("Checkpoint " + file).add("size", Description.bytes(size(file)));
    addFacts(d, source.metadata());
    return d.add("tensors", source.names().size())
        .add(what, Description.count(numbers) + " (float32)");
  }

  private static Description tensors(Path file, TensorSource source, Description d) {
    d.title("Tensors in " + file).add("size", Description.bytes(size(file)));
    d.add("tensors", source.names().size());
    source.names().stream()
        .limit(20)
        .forEach(n -> d.add("", n + " " + source.dtype(n) + " " + List.of(boxed(source.shape(n)))));
    if (source.names().size() > 20) {
      d.add("", "... and " + (source.names().size() - 20) + " more");
    }
    return d;
  }

  private static void requireFinite(Path file, String name, StoredTensor tensor) {
    for (float v : tensor.toFloats()) {
      if (!Float.isFinite(v)) {
        throw TuneQdmException.inputData(
            "Cannot use the checkpoint "
                + file
                + ": "
                + name
                + " holds a value that is not finite");
      }
    }
  }

  private static Description official(Path file) {
    TuneQdmCheckpoint checkpoint = TuneQdmCheckpoint.read(file);
    Description d =
        new Description()
            .title("Official TuneQDM checkpoint " + file)
            .add("size", Description.bytes(size(file)));
    checkpoint
        .config()
        .ifPresentOrElse(
            c ->
                d.add("bits", c.bits() + (c.symmetric() ? ", symmetric" : ", asymmetric"))
                    .add("experts", c.experts() + " over " + c.timesteps() + " timesteps")
                    .add("trained", c.trainDeltaIn() ? "delta_out and delta_in" : "delta_out"),
            () -> d.add("config", "none (older bare form)"));
    Map<String, long[]> kinds = new TreeMap<>();
    checkpoint
        .deltaState()
        .forEach(
            (name, tensor) -> {
              long[] sum =
                  kinds.computeIfAbsent(
                      name.substring(name.lastIndexOf('.') + 1), k -> new long[2]);
              sum[0]++;
              sum[1] += tensor.elementCount();
            });
    kinds.forEach(
        (kind, sum) -> d.add(kind, sum[0] + " tensors, " + Description.count(sum[1]) + " numbers"));
    return d;
  }

  private static Long[] boxed(long[] shape) {
    return java.util.Arrays.stream(shape).boxed().toArray(Long[]::new);
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read " + file + ": " + e, e);
    }
  }
}
