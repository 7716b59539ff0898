package io.github.tuneqdm.image;

import io.github.tuneqdm.error.TuneQdmException;

/** Resizing by the shorter edge and centre crops, with the rounding rules of two libraries. */
final class EdgeResize {
  /** A strip longer than this is no photo, and would not fit into memory. */
  private static final int MAX_LENGTH = 1 << 17;

  private EdgeResize() {}

  /** The shorter edge becomes {@code edge}, the longer keeps the ratio, rounded down. */
  static RgbImage shorterEdge(RgbImage image, int edge, Resampling resampling) {
    int width = image.width();
    int height = image.height();
    long longer = (long) edge * Math.max(width, height) / Math.min(width, height);
    if (longer > MAX_LENGTH) {
      throw TuneQdmException.inputData(
          String.format(
              "Cannot resize a picture of %d x %d to a shorter edge of %d pixels: the longer would"
                  + " have %d (cut the picture)",
              width, height, edge, longer));
    }
    return width <= height
        ? PillowResize.resize(image, edge, (int) longer, resampling)
        : PillowResize.resize(image, (int) longer, edge, resampling);
  }

  /** transformers: an odd margin's extra pixel is cut off at the right and at the bottom. */
  static RgbImage centreFloor(RgbImage image, int width, int height) {
    return image.crop((image.width() - width) / 2, (image.height() - height) / 2, width, height);
  }

  /** torchvision: half a margin is rounded to the nearest integer, ties to the even one. */
  static RgbImage centreToEven(RgbImage image, int width, int height) {
    int left = (int) Math.rint((image.width() - width) / 2.0);
    int top = (int) Math.rint((image.height() - height) / 2.0);
    return image.crop(left, top, width, height);
  }
}
