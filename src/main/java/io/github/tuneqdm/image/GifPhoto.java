package io.github.tuneqdm.image;

import java.awt.image.Raster;
import java.io.EOFException;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The first frame of a GIF on its logical screen. Where the frame leaves the screen bare, the
 * screen shows the transparent colour, or the palette's first where none is transparent, as Pillow
 * has it.
 */
final class GifPhoto {
  private static final int EXTENSION = 0x21;
  private static final int FRAME = 0x2C;
  private static final int GRAPHIC_CONTROL = 0xF9;
  private static final int HEADER_BYTES = 6;

  private final byte[] bytes;
  private final ByteBuffer file;
  private byte[] palette = greyRamp();
  private int background;
  private int screenWidth;
  private int screenHeight;
  private int left;
  private int top;

  private GifPhoto(byte[] bytes) {
    this.bytes = bytes;
    this.file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  static RgbImage decode(byte[] bytes, ImageReader.PixelLimit limit) throws IOException {
    GifPhoto photo = new GifPhoto(bytes);
    try {
      photo.readUpToFirstFrame(limit);
    } catch (BufferUnderflowException e) {
      throw new EOFException();
    }
    return photo.decode();
  }

  private void readUpToFirstFrame(ImageReader.PixelLimit limit) throws IOException {
    file.position(HEADER_BYTES);
    screenWidth = unsignedShort();
    screenHeight = unsignedShort();
    limit.check(screenWidth, screenHeight);
    int flags = file.get();
    file.getShort(); // background colour and pixel ratio, which nobody honours
    readPalette(flags);
    while (true) {
      int block = file.get() & 0xFF;
      if (block == FRAME) {
        break;
      }
      if (block != EXTENSION) {
        throw new IOException("the file is damaged (no frame in it)");
      }
      readExtension();
    }
    left = unsignedShort();
    top = unsignedShort();
    int width = unsignedShort();
    int height = unsignedShort();
    readPalette(file.get());
    limit.check(width, height);
    // A frame that sticks out makes the screen larger.
    screenWidth = Math.max(screenWidth, left + width);
    screenHeight = Math.max(screenHeight, top + height);
    limit.check(screenWidth, screenHeight);
  }

  private void readPalette(int flags) {
    if ((flags & 0x80) != 0) {
      palette = new byte[3 * (2 << (flags & 7))];
      file.get(palette);
    }
  }

  private void readExtension() {
    int label = file.get() & 0xFF;
    for (int length = file.get() & 0xFF; length > 0; length = file.get() & 0xFF) {
      byte[] block = new byte[length];
      file.get(block);
      if (label == GRAPHIC_CONTROL && length >= 4 && (block[0] & 1) != 0) {
        background = block[3] & 0xFF;
      }
    }
  }

  private RgbImage decode() throws IOException {
    Raster frame = JdkDecoder.image("gif", bytes).getRaster();
    byte[] rgb = new byte[3 * screenWidth * screenHeight];
    int[] row = new int[screenWidth];
    for (int y = 0; y < screenHeight; y++) {
      Arrays.fill(row, background);
      if (y >= top && y < top + frame.getHeight()) {
        int[] samples = frame.getSamples(0, y - top, frame.getWidth(), 1, 0, (int[]) null);
        System.arraycopy(samples, 0, row, left, samples.length);
      }
      for (int x = 0; x < screenWidth; x++) {
        int entry = 3 * row[x];
        if (entry < palette.length) {
          System.arraycopy(palette, entry, rgb, 3 * (y * screenWidth + x), 3);
        }
      }
    }
    return new RgbImage(screenWidth, screenHeight, rgb);
  }

  private int unsignedShort() {
    return file.getShort() & 0xFFFF;
  }

  private static byte[] greyRamp() {
    byte[] ramp = new byte[3 * 256];
    for (int i = 0; i < ramp.length; i++) {
      ramp[i] = (byte) (i / 3);
    }
    return ramp;
  }
}
