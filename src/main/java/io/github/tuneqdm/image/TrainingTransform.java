package io.github.tuneqdm.image;

/**
 * What DreamBooth training does to a photo: shorter side to the resolution (bilinear, torchvision's
 * rounding), a square crop, values to [-1, 1].
 *
 * @param resolution the side of the square, in pixels
 */
public record TrainingTransform(int resolution) {
  private static final double[] HALF = {0.5, 0.5, 0.5};
  private static final ChannelScaling SCALING = new ChannelScaling(ChannelScaling.UNIT, HALF, HALF);

  public TrainingTransform {
    if (resolution < 1) {
      throw new IllegalArgumentException("No picture has " + resolution + " pixels a side");
    }
  }

  /**
   * The photo with its shorter side at the resolution, to crop from. Crops may start at 0 to {@code
   * width - resolution} and 0 to {@code height - resolution}.
   */
  public RgbImage resize(RgbImage photo) {
    return EdgeResize.shorterEdge(photo, resolution, Resampling.BILINEAR);
  }

  /** The square of a resized photo whose upper left corner is (left, top). */
  public RgbImage crop(RgbImage resized, int left, int top) {
    return resized.crop(left, top, resolution, resolution);
  }

  public RgbImage centreCrop(RgbImage resized) {
    return EdgeResize.centreToEven(resized, resolution, resolution);
  }

  /** {@code 2 v / 255 - 1} as float32 (3, H, W). */
  public float[] pixelValues(RgbImage image) {
    return SCALING.apply(image);
  }
}
