package io.github.tuneqdm.scoring;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
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
import java.util.function.Function;

/** The encoders behind DINO, CLIP-I and CLIP-T. Embeddings are not normalised. */
public final class ImageScorer implements AutoCloseable {
  /** Pictures a forward pass; the same everywhere, so that scores repeat to the bit. */
  private static final int BATCH = 16;

  private final Compute compute;
  private final DinoVisionTransformer dino;
  private final ImagePreprocessor dinoInput;
  private final ClipModel clip;
  private final ImagePreprocessor clipInput;
  private final ClipTokenizer tokenizer;

  /**
   * @param dinoFolder a ViT or DINOv2 in transformers' layout
   * @param clipFolder a CLIP with its tokenizer and preprocessor_config.json
   */
  public ImageScorer(Compute compute, Path dinoFolder, Path clipFolder) {
    this.compute = compute;
    this.tokenizer = ClipTokenizer.load(folder(clipFolder, "tuneqdm.model.clip"));
    this.clipInput = ImagePreprocessor.fromConfig(clipFolder.resolve("preprocessor_config.json"));
    Path dinoConfig = folder(dinoFolder, "tuneqdm.model.dino").resolve("preprocessor_config.json");
    this.dinoInput =
        Files.isRegularFile(dinoConfig)
            ? ImagePreprocessor.fromConfig(dinoConfig)
            : ImagePreprocessor.dino();
    this.dino = Models.dino(compute, dinoFolder);
    this.clip = Models.clip(compute, clipFolder);
  }

  private static Path folder(Path folder, String key) {
    if (!Files.isDirectory(folder)) {
      throw TuneQdmException.inputData(
          "Cannot open the encoder " + folder + ": there is no such folder (" + key + ")");
    }
    return folder;
  }

  /** DINO's class tokens, one row a picture. */
  public float[][] dino(List<RgbImage> images) {
    return embed(images, dinoInput, dino::features);
  }

  /** CLIP's projected picture embeddings, one row a picture. */
  public float[][] clipImage(List<RgbImage> images) {
    return embed(images, clipInput, pixels -> clip.image(pixels).embeds());
  }

  /** CLIP's projected text embeddings, one row a text. */
  public float[][] clipText(List<String> texts) {
    float[][] rows = new float[texts.size()][];
    for (int from = 0; from < texts.size(); from += BATCH) {
      List<int[]> ids = new ArrayList<>();
      for (String text : texts.subList(from, Math.min(from + BATCH, texts.size()))) {
        ids.add(tokenizer.encode(text, clip.textLength()));
      }
      int at = from;
      Compute.withGradients(
          false,
          () -> {
            try (NDManager scope = compute.scope()) {
              put(clip.text(scope, ids).embeds(), rows, at);
            }
            return null;
          });
    }
    return rows;
  }

  private float[][] embed(
      List<RgbImage> images, ImagePreprocessor input, Function<NDArray, NDArray> encoder) {
    float[][] rows = new float[images.size()][];
    for (int from = 0; from < images.size(); from += BATCH) {
      List<RgbImage> part = images.subList(from, Math.min(from + BATCH, images.size()));
      int at = from;
      Compute.withGradients(
          false,
          () -> {
            try (NDManager scope = compute.scope()) {
              put(encoder.apply(pixels(scope, part, input)), rows, at);
            }
            return null;
          });
    }
    return rows;
  }

  /** (B, 3, H, W). */
  private static NDArray pixels(NDManager scope, List<RgbImage> images, ImagePreprocessor input) {
    float[] all = new float[0];
    int height = 0;
    int width = 0;
    for (int i = 0; i < images.size(); i++) {
      RgbImage cropped = input.crop(images.get(i));
      float[] values = input.pixelValues(images.get(i));
      if (i == 0) {
        all = new float[images.size() * values.length];
        height = cropped.height();
        width = cropped.width();
      }
      System.arraycopy(values, 0, all, i * values.length, values.length);
    }
    return Compute.floats(scope, all, images.size(), 3, height, width);
  }

  private static void put(NDArray embeddings, float[][] rows, int from) {
    int width = (int) embeddings.getShape().get(1);
    float[] values = embeddings.toType(DataType.FLOAT32, false).toFloatArray();
    for (int i = 0; i * width < values.length; i++) {
      rows[from + i] = java.util.Arrays.copyOfRange(values, i * width, (i + 1) * width);
    }
  }

  @Override
  public void close() {
    dino.close();
    clip.close();
  }
}
