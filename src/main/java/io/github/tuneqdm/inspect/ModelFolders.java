package io.github.tuneqdm.inspect;

import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.ModelOutline;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.storage.ModelWeights;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.text.ClipTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** A HuggingFace-style folder: every tensor is checked by name, shape and extent. */
final class ModelFolders {
  private ModelFolders() {}

  static Description describe(Path folder) {
    try (Compute compute = Compute.cpu(1)) {
      Description d = new Description().title("Model folder " + folder);
      if (Files.isRegularFile(folder.resolve("config.json"))) {
        network(d, compute, "network", folder);
        tokenizer(d, folder);
        return d;
      }
      PipelineFolder pipeline = new PipelineFolder(folder);
      for (String part : new String[] {"unet", "vae", "text_encoder"}) {
        network(d, compute, part, folder.resolve(part));
      }
      tokenizer(d, folder.resolve("tokenizer"));
      ModelConfig scheduler = pipeline.schedulerConfig();
      return d.add(
          "scheduler",
          "%s, predicts %s"
              .formatted(
                  scheduler.string("_class_name", "unnamed"),
                  scheduler.string("prediction_type", "epsilon")));
    }
  }

  private static void network(Description d, Compute compute, String label, Path folder) {
    ModelConfig config = ModelConfig.read(folder.resolve("config.json"));
    try (TensorSource weights = ModelWeights.open(folder)) {
      ModelOutline outline = ModelOutline.of(compute, config, weights);
      Map<String, Integer> types = new TreeMap<>();
      weights.names().forEach(n -> types.merge(weights.dtype(n).name(), 1, Integer::sum));
      d.add(
          label,
          "%s, %s parameters, tensors %s"
              .formatted(outline.type(), Description.count(outline.parameters()), types));
      outline
          .tunable()
          .ifPresent(
              t ->
                  d.add(
                      "",
                      "%d layers to quantise, %s scales an expert"
                          .formatted(t.layers().size(), Description.count(t.width()))));
    }
  }

  private static void tokenizer(Description d, Path folder) {
    if (Files.isRegularFile(folder.resolve("vocab.json"))) {
      ClipTokenizer tokenizer = ClipTokenizer.load(folder);
      d.add("tokenizer", "CLIP byte pairs, up to " + tokenizer.modelMaxLength() + " tokens");
    }
  }
}
