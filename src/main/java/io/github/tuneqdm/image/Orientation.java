package io.github.tuneqdm.image;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * How a camera was held, from the Orientation tag of an EXIF block (EXIF 2.3, section 4.6.4), and
 * how a picture is turned upright. An EXIF block that makes no sense counts as none: it is an aside
 * of the picture, and Pillow ignores it too.
 */
enum Orientation {
  UPRIGHT,
  MIRRORED,
  UPSIDE_DOWN,
  MIRRORED_UPSIDE_DOWN,
  TRANSPOSED,
  TURNED_LEFT,
  TRANSVERSED,
  TURNED_RIGHT;

  private static final int ORIENTATION_TAG = 0x0112;
  private static final int BYTE = 1;
  private static final int SHORT = 3;
  private static final int LONG = 4;
  private static final byte[] PREFIX = {'E', 'x', 'i', 'f', 0, 0};

  /** From an EXIF block: a TIFF header and its first directory, maybe after {@code Exif\0\0}. */
  static Orientation ofExif(byte[] exif) {
    try {
      boolean prefixed =
          exif.length >= PREFIX.length
              && ByteBuffer.wrap(exif, 0, PREFIX.length).equals(ByteBuffer.wrap(PREFIX));
      int start = prefixed ? PREFIX.length : 0;
      return find(ByteBuffer.wrap(exif, start, exif.length - start).slice());
    } catch (BufferUnderflowException | IllegalArgumentException | IndexOutOfBoundsException e) {
      return UPRIGHT;
    }
  }

  private static Orientation find(ByteBuffer tiff) {
    int mark = tiff.getShort();
    if (mark != 0x4949 && mark != 0x4D4D) {
      return UPRIGHT;
    }
    tiff.order(mark == 0x4949 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    if (tiff.getShort() != 42) {
      return UPRIGHT;
    }
    tiff.position(tiff.getInt());
    int entries = tiff.getShort() & 0xFFFF;
    for (int i = 0; i < entries; i++) {
      int tag = tiff.getShort() & 0xFFFF;
      int type = tiff.getShort();
      int count = tiff.getInt();
      int at = tiff.position();
      tiff.position(at + 4);
      if (tag == ORIENTATION_TAG && count == 1) {
        long value =
            switch (type) {
              case BYTE -> tiff.get(at) & 0xFF;
              case SHORT -> tiff.getShort(at) & 0xFFFF;
              case LONG -> tiff.getInt(at) & 0xFFFFFFFFL;
              default -> 1;
            };
        return value >= 1 && value <= 8 ? values()[(int) value - 1] : UPRIGHT;
      }
    }
    return UPRIGHT;
  }

  /** The picture as it was seen. */
  RgbImage upright(RgbImage image) {
    if (this == UPRIGHT) {
      return image;
    }
    int right = image.width() - 1;
    int bottom = image.height() - 1;
    boolean swapped = ordinal() >= TRANSPOSED.ordinal();
    int width = swapped ? image.height() : image.width();
    int height = swapped ? image.width() : image.height();
    byte[] out = new byte[image.rgb().length];
    int at = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int column =
            switch (this) {
              case UPRIGHT, MIRRORED_UPSIDE_DOWN -> x;
              case MIRRORED, UPSIDE_DOWN -> right - x;
              case TRANSPOSED, TURNED_LEFT -> y;
              case TRANSVERSED, TURNED_RIGHT -> right - y;
            };
        int row =
            switch (this) {
              case UPRIGHT, MIRRORED -> y;
              case UPSIDE_DOWN, MIRRORED_UPSIDE_DOWN -> bottom - y;
              case TRANSPOSED, TURNED_RIGHT -> x;
              case TURNED_LEFT, TRANSVERSED -> bottom - x;
            };
        int from = 3 * (row * image.width() + column);
        out[at++] = image.rgb()[from];
        out[at++] = image.rgb()[from + 1];
        out[at++] = image.rgb()[from + 2];
      }
    }
    return new RgbImage(width, height, out);
  }
}
