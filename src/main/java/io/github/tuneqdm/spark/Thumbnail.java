package io.github.tuneqdm.spark;

import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.image.PillowResize;
import io.github.tuneqdm.image.PngEncoder;
import io.github.tuneqdm.image.Resampling;
import io.github.tuneqdm.image.RgbImage;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import javax.imageio.ImageIO;

/**
 * A picture small enough to stand in a page by the thousand. It is always encoded anew: nothing
 * that a photo's file carries beside its pixels, such as a place, gets into the report.
 *
 * @param extension of the file's name
 */
record Thumbnail(String extension, byte[] bytes) {
  private static final int SIDE = 256;

  /** Up to here JPEG would blur more than it saves. */
  private static final int SMALL = 128;

  /**
   * At most 256 pixels wide and high: a PNG where the picture is tiny, else a JPEG.
   *
   * @param name of the file, for messages
   */
  static Thumbnail of(byte[] file, String name, long maxPixels) {
    RgbImage picture = ImageReader.read(file, name, maxPixels);
    int longest = Math.max(picture.width(), picture.height());
    if (longest <= SMALL) {
      return new Thumbnail("png", PngEncoder.encode(picture, Map.of()));
    }
    if (longest > SIDE) {
      int width = Math.max(1, Math.round((float) picture.width() * SIDE / longest));
      int height = Math.max(1, Math.round((float) picture.height() * SIDE / longest));
      picture = PillowResize.resize(picture, width, height, Resampling.BICUBIC);
    }
    return new Thumbnail("jpg", jpeg(picture));
  }

  private static byte[] jpeg(RgbImage picture) {
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
    try {
      ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
      if (!ImageIO.write(image, "jpeg", jpeg)) {
        throw new IOException("this Java runtime cannot write JPEG");
      }
      return jpeg.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
