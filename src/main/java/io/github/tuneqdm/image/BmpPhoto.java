package io.github.tuneqdm.image;

import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.DirectColorModel;
import java.awt.image.IndexColorModel;
import java.io.EOFException;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A Windows bitmap: palette, 16, 24 or 32 bits a pixel, plain or run-length coded. */
final class BmpPhoto {
  private static final int PIXELS_AT = 10;
  private static final int COLOURS_AT = 46;
  private static final int MAX_COLOURS = 256;
  private static final int CORE_HEADER_BYTES = 12;
  private static final int EMBEDDED_JPEG = 4;
  private static final int EMBEDDED_PNG = 5;

  private BmpPhoto() {}

  static RgbImage decode(byte[] bytes, ImageReader.PixelLimit limit) throws IOException {
    try {
      checkHeader(bytes, limit);
    } catch (BufferUnderflowException e) {
      throw new EOFException();
    }
    return toRgb(JdkDecoder.image("bmp", bytes));
  }

  private static void checkHeader(byte[] bytes, ImageReader.PixelLimit limit) throws IOException {
    ByteBuffer file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    file.position(Math.min(PIXELS_AT, bytes.length));
    if (Integer.compareUnsigned(file.getInt(), bytes.length) > 0) {
      throw new EOFException();
    }
    if (file.getInt() == CORE_HEADER_BYTES) {
      limit.check(file.getShort() & 0xFFFF, file.getShort() & 0xFFFF);
      return;
    }
    long width = file.getInt();
    long height = Math.abs((long) file.getInt()); // negative where rows go from top to bottom
    limit.check(width, height);
    file.getInt(); // planes and bits
    int compression = file.getInt();
    if (compression == EMBEDDED_JPEG || compression == EMBEDDED_PNG) {
      throw new IOException("JPEG or PNG inside a BMP is not supported (take the inner picture)");
    }
    file.position(COLOURS_AT);
    if (Integer.compareUnsigned(file.getInt(), MAX_COLOURS) > 0) {
      throw new IOException("the file is damaged (a palette of more than 256 colours)");
    }
  }

  private static RgbImage toRgb(BufferedImage image) {
    int width = image.getWidth();
    int height = image.getHeight();
    int bands = image.getRaster().getNumBands();
    ColorModel colours = image.getColorModel();
    byte[] rgb = new byte[3 * width * height];
    int[] row = new int[bands * width];
    for (int y = 0; y < height; y++) {
      image.getRaster().getPixels(0, y, width, 1, row);
      for (int x = 0; x < width; x++) {
        for (int c = 0; c < 3; c++) {
          rgb[3 * (y * width + x) + c] = (byte) value(colours, row, bands * x, c);
        }
      }
    }
    return new RgbImage(width, height, rgb);
  }

  private static int value(ColorModel colours, int[] samples, int from, int c) {
    if (colours instanceof IndexColorModel palette) {
      return palette.getRGB(samples[from]) >> 16 - 8 * c;
    }
    // The JDK turns a palette that counts up from black to white into a grey band.
    int sample = samples[colours.getNumComponents() == 1 ? from : from + c];
    if (colours instanceof DirectColorModel) {
      // 5 or 6 bits are stretched to the whole range.
      return sample * 255 / ((1 << colours.getComponentSize(c)) - 1);
    }
    return sample;
  }
}
