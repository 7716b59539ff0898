package io.github.tuneqdm.spark;

import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.image.PillowResize;
import io.github.tuneqdm.image.Resampling;
import io.github.tuneqdm.image.RgbImage;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import javax.imageio.ImageIO;

/** Pictures small enough to stand in a page by the thousand. */
final class Thumbnail {
  private static final int SIDE = 256;
  private static final int SMALL_FILE = 32 << 10;

  private Thumbnail() {}

  /**
   * The file as it is where it is small, else a JPEG of at most 256 x 256 pixels.
   *
   * @param name of the file, for messages
   */
  static byte[] of(byte[] file, String name, long maxPixels) throws IOException {
    if (file.length <= SMALL_FILE) {
      return file;
    }
    RgbImage picture = ImageReader.read(file, name, maxPixels);
    int longest = Math.max(picture.width(), picture.height());
    if (longest > SIDE) {
      int width = Math.max(1, Math.round((float) picture.width() * SIDE / longest));
      int height = Math.max(1, Math.round((float) picture.height() * SIDE / longest));
      picture = PillowResize.resize(picture, width, height, Resampling.BICUBIC);
    }
    return jpeg(picture);
  }

  private static byte[] jpeg(RgbImage picture) throws IOException {
    BufferedImage image =
        new BufferedImage(picture.width(), picture.height(), BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < picture.height(); y++) {
      for (int x = 0; x < picture.width(); x++) {
        int red = picture.sample(x, y, 0);
        int green = picture.sample(x, y, 1);
        int blue = picture.sample(x, y, 2);
        image.setRGB(x, y, red << 16 | green << 8 | blue);
      }
    }
    ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
    if (!ImageIO.write(image, "jpeg", jpeg)) {
      throw new IOException("this Java runtime cannot write JPEG");
    }
    return jpeg.toByteArray();
  }
}
