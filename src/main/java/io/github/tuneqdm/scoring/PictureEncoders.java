package io.github.tuneqdm.scoring;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import io.github.tuneqdm.image.ImagePreprocessor;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.models.ClipModel;
import io.github.tuneqdm.models.DinoVisionTransformer;
import io.github.tuneqdm.parallel.Ahead;
import io.github.tuneqdm.tensor.Compute;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/** DINO and CLIP's picture tower over the same pictures. Embeddings are not normalised. */
public final class PictureEncoders implements AutoCloseable {
  /**
   * Rows of a forward pass; always as many, since on some CPUs their number decides the last bits
   * of each: so a picture's scores do not depend on what is scored beside it.
   */
  static final int BATCH = 16;

  private static final int BATCHES_AHEAD = 3;

  private final Compute compute;
  private final DinoVisionTransformer dino;
  private final ImagePreprocessor dinoInput;
  private final ClipModel clip;
  private final ImagePreprocessor clipInput;

  /**
   * One row a picture.
   *
   * @param dino class tokens
   * @param clip projected embeddings
   */
  public record Features(float[][] dino, float[][] clip) {}

  /** What an encoder sees of a picture: (3, height, width). */
  private record Pixels(int height, int width, float[] values) {
    static Pixels of(RgbImage image, ImagePreprocessor input) {
      RgbImage cropped = input.crop(image);
      return new Pixels(cropped.height(), cropped.width(), input.scaled(cropped));
    }
  }

  private record Prepared(Pixels dino, Pixels clip) {}

  /** Owns both networks from now on. */
  public PictureEncoders(
      Compute compute,
      DinoVisionTransformer dino,
      ImagePreprocessor dinoInput,
      ClipModel clip,
      ImagePreprocessor clipInput) {
    this.compute = compute;
    this.dino = dino;
    this.dinoInput = dinoInput;
    this.clip = clip;
    this.clipInput = clipInput;
  }

  /**
   * Embeds pictures, which are read and brought to size on other threads while the device is at
   * those before.
   */
  public Features embed(List<? extends Supplier<RgbImage>> pictures) {
    Features features = new Features(new float[pictures.size()][], new float[pictures.size()][]);
    try (Ahead<Prepared> ahead = Ahead.counted(pictures, this::prepare, BATCH * BATCHES_AHEAD)) {
      for (int from = 0; from < pictures.size(); from += BATCH) {
        List<Prepared> batch = new ArrayList<>();
        while (batch.size() < Math.min(BATCH, pictures.size() - from)) {
          batch.add(ahead.next());
        }
        put(batch.stream().map(Prepared::dino).toList(), dino::features, features.dino, from);
        put(
            batch.stream().map(Prepared::clip).toList(),
            pixels -> clip.image(pixels).embeds(),
            features.clip,
            from);
      }
    }
    return features;
  }

  private Prepared prepare(Supplier<RgbImage> picture) {
    RgbImage image = picture.get();
    return new Prepared(Pixels.of(image, dinoInput), Pixels.of(image, clipInput));
  }

  private void put(
      List<Pixels> pictures, Function<NDArray, NDArray> encoder, float[][] rows, int from) {
    Compute.withGradients(
        false,
        () -> {
          try (NDManager scope = compute.scope()) {
            put(encoder.apply(stack(scope, pictures)), rows, from, pictures.size());
          }
          return null;
        });
  }

  /** (BATCH, 3, H, W), zero where there are no more pictures. */
  private static NDArray stack(NDManager scope, List<Pixels> pictures) {
    Pixels first = pictures.get(0);
    float[] all = new float[BATCH * first.values.length];
    for (int i = 0; i < pictures.size(); i++) {
      System.arraycopy(
          pictures.get(i).values, 0, all, i * first.values.length, first.values.length);
    }
    return Compute.floats(scope, all, BATCH, 3, first.height, first.width);
  }

  /** Brings the first {@code count} embeddings (B, D) to {@code rows} from {@code from} on. */
  static void put(NDArray embeddings, float[][] rows, int from, int count) {
    int width = (int) embeddings.getShape().get(1);
    float[] values = embeddings.toType(DataType.FLOAT32, false).toFloatArray();
    for (int i = 0; i < count; i++) {
      rows[from + i] = Arrays.copyOfRange(values, i * width, (i + 1) * width);
    }
  }

  @Override
  public void close() {
    dino.close();
    clip.close();
  }
}
