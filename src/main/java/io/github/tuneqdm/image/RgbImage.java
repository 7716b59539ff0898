package io.github.tuneqdm.image;

import java.util.Arrays;

/**
 * A picture of 8-bit red, green and blue.
 *
 * @param width W, in pixels, at least 1
 * @param height H, in pixels, at least 1
 * @param rgb (H, W, 3), row by row, unsigned; not copied, so whoever hands it over leaves it alone
 */
public record RgbImage(int width, int height, byte[] rgb) {
  public RgbImage {
    if (width < 1 || height < 1) {
      throw new IllegalArgumentException("No picture is " + width + " x " + height);
    }
    if (rgb.length != 3L * width * height) {
      throw new IllegalArgumentException(
          rgb.length + " bytes are not " + width + " x " + height + " pixels of 3");
    }
  }

  /** A picture of one colour, 0xRRGGBB. */
  public static RgbImage filled(int width, int height, int colour) {
    byte[] rgb = new byte[Math.multiplyExact(3, Math.multiplyExact(width, height))];
    for (int i = 0; i < rgb.length; i += 3) {
      rgb[i] = (byte) (colour >> 16);
      rgb[i + 1] = (byte) (colour >> 8);
      rgb[i + 2] = (byte) colour;
    }
    return new RgbImage(width, height, rgb);
  }

  /** Red (0), green (1) or blue (2) at column x, row y: 0 to 255. */
  public int sample(int x, int y, int channel) {
    return rgb[3 * (y * width + x) + channel] & 0xFF;
  }

  /** The window whose upper left corner is (left, top); it must lie inside the picture. */
  public RgbImage crop(int left, int top, int cropWidth, int cropHeight) {
    if (left < 0 || top < 0 || cropWidth > width - left || cropHeight > height - top) {
      throw new IllegalArgumentException(
          String.format(
              "%d x %d at (%d, %d) lies outside %d x %d",
              cropWidth, cropHeight, left, top, width, height));
    }
    byte[] window = new byte[3 * cropWidth * cropHeight];
    for (int y = 0; y < cropHeight; y++) {
      int from = 3 * ((top + y) * width + left);
      System.arraycopy(rgb, from, window, 3 * cropWidth * y, 3 * cropWidth);
    }
    return new RgbImage(cropWidth, cropHeight, window);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RgbImage image
        && width == image.width
        && height == image.height
        && Arrays.equals(rgb, image.rgb);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * width + height) + Arrays.hashCode(rgb);
  }

  @Override
  public String toString() {
    return "RgbImage[" + width + " x " + height + "]";
  }
}
