package io.github.tuneqdm.scoring;

import ai.djl.ndarray.NDManager;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.ImagePreprocessor;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.models.ClipModel;
import io.github.tuneqdm.models.DinoVisionTransformer;
import io.github.tuneqdm.models.Models;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.text.ClipTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** The encoders behind DINO, CLIP-I and CLIP-T. Embeddings are not normalised. */
public final class ImageScorer implements AutoCloseable {
  private final Compute compute;
  private final ClipTokenizer tokenizer;
  private final ClipModel clip;
  private final PictureEncoders pictures;

  /**
   * @param dinoFolder a ViT or DINOv2 in transformers' layout
   * @param clipFolder a CLIP with its tokenizer and preprocessor_config.json
   */
  public ImageScorer(Compute compute, Path dinoFolder, Path clipFolder) {
    this.compute = compute;
    this.tokenizer = ClipTokenizer.load(folder(clipFolder, "tuneqdm.model.clip"));
    ImagePreprocessor clipInput =
        ImagePreprocessor.fromConfig(clipFolder.resolve("preprocessor_config.json"));
    Path dinoConfig = folder(dinoFolder, "tuneqdm.model.dino").resolve("preprocessor_config.json");
    ImagePreprocessor dinoInput =
        Files.isRegularFile(dinoConfig)
            ? ImagePreprocessor.fromConfig(dinoConfig)
            : ImagePreprocessor.dino();
    DinoVisionTransformer dino = Models.dino(compute, dinoFolder);
    this.clip = Models.clip(compute, clipFolder);
    this.pictures = new PictureEncoders(compute, dino, dinoInput, clip, clipInput);
  }

  private static Path folder(Path folder, String key) {
    if (!Files.isDirectory(folder)) {
      throw TuneQdmException.inputData(
          "Cannot open the encoder " + folder + ": there is no such folder (" + key + ")");
    }
    return folder;
  }

  /**
   * DINO's and CLIP's embeddings of pictures.
   *
   * @param toRead give the pictures; asked on other threads, while the device is at others
   */
  public PictureEncoders.Features pictures(List<? extends Supplier<RgbImage>> toRead) {
    return pictures.embed(toRead);
  }

  /** CLIP's projected text embeddings, one row a text. */
  public float[][] clipText(List<String> texts) {
    float[][] rows = new float[texts.size()][];
    for (int from = 0; from < texts.size(); from += PictureEncoders.BATCH) {
      List<int[]> ids = new ArrayList<>();
      int to = Math.min(from + PictureEncoders.BATCH, texts.size());
      for (String text : texts.subList(from, to)) {
        ids.add(tokenizer.encode(text, clip.textLength()));
      }
      while (ids.size() < PictureEncoders.BATCH) {
        ids.add(ids.get(0));
      }
      int at = from;
      Compute.withGradients(
          false,
          () -> {
            try (NDManager scope = compute.scope()) {
              PictureEncoders.put(clip.text(scope, ids).embeds(), rows, at, to - at);
            }
            return null;
          });
    }
    return rows;
  }

  @Override
  public void close() {
    pictures.close();
  }
}
