package io.github.tuneqdm.models;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.text.ClipTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A text-to-image model in Stable Diffusion's folder layout. */
public record PipelineFolder(Path root) {

  public PipelineFolder {
    if (!Files.isDirectory(root)) {
      throw TuneQdmException.inputData(
          "Cannot open the base model " + root + ": there is no such folder (tuneqdm.model.base)");
    }
    for (String part : List.of("unet", "vae", "text_encoder", "tokenizer", "scheduler")) {
      if (!Files.isDirectory(root.resolve(part))) {
        throw TuneQdmException.inputData(
            "Cannot open the base model "
                + root
                + ": it has no folder "
                + part
                + " (a model in diffusers' layout has unet, vae, text_encoder, tokenizer and"
                + " scheduler)");
      }
    }
  }

  public Path unet() {
    return root.resolve("unet");
  }

  public ModelConfig unetConfig() {
    return ModelConfig.read(unet().resolve("config.json"));
  }

  public AutoencoderKL vae(Compute compute) {
    return Models.vae(compute, root.resolve("vae"));
  }

  public ClipTextModel textEncoder(Compute compute) {
    return Models.textEncoder(compute, root.resolve("text_encoder"));
  }

  public ModelConfig schedulerConfig() {
    return ModelConfig.read(root.resolve("scheduler").resolve("scheduler_config.json"));
  }

  public ClipTokenizer tokenizer() {
    return ClipTokenizer.load(root.resolve("tokenizer"));
  }

  /**
   * Text states of {@code prompts}, each (L, D) row-major. One prompt a pass: a prompt's states
   * must not depend on its neighbours' presence.
   */
  public List<float[]> encode(Compute compute, List<String> prompts) {
    ClipTokenizer tokenizer = tokenizer();
    List<float[]> states = new ArrayList<>();
    try (ClipTextModel text = textEncoder(compute)) {
      for (String prompt : prompts) {
        try (var scope = compute.scope()) {
          int[] ids = tokenizer.encode(prompt, text.length());
          states.add(
              text.forward(scope, List.of(ids))
                  .lastHiddenState()
                  .toType(ai.djl.ndarray.types.DataType.FLOAT32, false)
                  .toFloatArray());
        }
      }
    }
    return states;
  }
}
