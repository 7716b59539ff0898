package io.github.tuneqdm.image;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What an image encoder wants done to a picture before it sees it: resize, centre crop, scale,
 * normalise.
 *
 * <p>Immutable; made by {@link #fromConfig} from a model's {@code preprocessor_config.json} or by
 * {@link #dino} for the fixed transform of the DreamBooth protocol.
 */
public final class ImagePreprocessor {
  private final Resize resize;
  private final Resampling resampling;
  private final Optional<Size> crop;
  private final boolean cropToEven;
  private final ChannelScaling scaling;

  /** How a picture is brought to size. */
  sealed interface Resize {}

  /** As it comes. */
  record Keep() implements Resize {}

  /** Shorter edge to this length, ratio kept. */
  record ShorterEdge(int length) implements Resize {}

  /** Exactly width x height. */
  record Size(int width, int height) implements Resize {}

  ImagePreprocessor(
      Resize resize,
      Resampling resampling,
      Optional<Size> crop,
      boolean cropToEven,
      ChannelScaling scaling) {
    this.resize = resize;
    this.resampling = resampling;
    this.crop = crop;
    this.cropToEven = cropToEven;
    this.scaling = scaling;
  }

  /**
   * Reads {@code preprocessor_config.json} of a CLIP, ViT/DINO or DINOv2 (Bit) folder, in the old
   * form ({@code "size": 224}) or the new one ({@code "size": {"shortest_edge": 224}}).
   *
   * @throws io.github.tuneqdm.error.TuneQdmException inputData, where it is missing, malformed or
   *     asks for something unknown
   */
  public static ImagePreprocessor fromConfig(Path preprocessorConfigJson) {
    return PreprocessorConfig.read(preprocessorConfigJson);
  }

  /**
   * DreamBooth's transform for DINO scores: bicubic to a shorter edge of 256, centre crop 224 with
   * torchvision's rounding, ImageNet's mean and deviation.
   */
  public static ImagePreprocessor dino() {
    return new ImagePreprocessor(
        new ShorterEdge(256),
        Resampling.BICUBIC,
        Optional.of(new Size(224, 224)),
        true,
        new ChannelScaling(
            ChannelScaling.UNIT,
            new double[] {0.485, 0.456, 0.406},
            new double[] {0.229, 0.224, 0.225}));
  }

  /** The picture resized and cropped, still in bytes. */
  public RgbImage crop(RgbImage image) {
    RgbImage resized = resized(image);
    if (crop.isEmpty()) {
      return resized;
    }
    Size size = crop.get();
    return cropToEven
        ? EdgeResize.centreToEven(resized, size.width(), size.height())
        : EdgeResize.centreFloor(resized, size.width(), size.height());
  }

  /** {@code (v / 255 - mean) / std} of {@link #crop}, float32 (3, H, W). */
  public float[] pixelValues(RgbImage image) {
    return scaled(crop(image));
  }

  /** {@code (v / 255 - mean) / std} of what {@link #crop} gave, float32 (3, H, W). */
  public float[] scaled(RgbImage cropped) {
    return scaling.apply(cropped);
  }

  private RgbImage resized(RgbImage image) {
    if (resize instanceof ShorterEdge edge) {
      return EdgeResize.shorterEdge(image, edge.length(), resampling);
    }
    if (resize instanceof Size size) {
      return PillowResize.resize(image, size.width(), size.height(), resampling);
    }
    return image;
  }
}
