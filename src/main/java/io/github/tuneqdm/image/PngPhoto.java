package io.github.tuneqdm.image;

import java.awt.image.Raster;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;

/**
 * A PNG: chunks are read and their checksums held here, the samples are inflated by the JDK from a
 * copy that has the picture's chunks only, and converted to RGB here.
 *
 * <p>So a bomb in a text chunk, a damaged colour profile or a gamma value reach nobody.
 */
final class PngPhoto {
  private static final int GREY = 0;
  private static final int RGB = 2;
  private static final int PALETTE = 3;
  private static final int GREY_ALPHA = 4;
  private static final int RGBA = 6;

  private static final int SIGNATURE_BYTES = 8;

  private final ByteBuffer file;
  private final ByteArrayOutputStream data = new ByteArrayOutputStream();
  private byte[] header;
  private byte[] palette = {};
  private Orientation orientation = Orientation.UPRIGHT;

  private PngPhoto(byte[] bytes) {
    this.file = ByteBuffer.wrap(bytes);
  }

  static RgbImage decode(byte[] bytes, ImageReader.PixelLimit limit) throws IOException {
    PngPhoto photo = new PngPhoto(bytes);
    photo.readChunks(limit);
    return photo.decode();
  }

  private void readChunks(ImageReader.PixelLimit limit) throws IOException {
    file.position(SIGNATURE_BYTES);
    String type = "";
    while (!type.equals("IEND")) {
      if (file.remaining() < 12) {
        throw new EOFException();
      }
      int length = file.getInt();
      if (length < 0) {
        throw damaged("a chunk's length is negative");
      }
      if (length > file.remaining() - 8) {
        throw new EOFException();
      }
      byte[] typed = new byte[4 + length];
      file.get(typed);
      type = new String(typed, 0, 4, StandardCharsets.ISO_8859_1);
      if (!type.matches("[A-Za-z]{4}")) {
        throw damaged("a chunk without a name");
      }
      int checksum = file.getInt();
      boolean critical = Character.isUpperCase(type.charAt(0));
      boolean intact = crc(typed) == checksum;
      if (critical && !intact) {
        throw damaged("checksum of its " + type + " chunk");
      }
      if (intact) {
        readChunk(type, body(typed), limit);
      }
    }
  }

  private void readChunk(String type, byte[] body, ImageReader.PixelLimit limit)
      throws IOException {
    if (header == null && !type.equals("IHDR")) {
      throw damaged("it does not begin with its header");
    }
    switch (type) {
      case "IHDR" -> {
        if (header != null || body.length != 13) {
          throw damaged("a second or odd header");
        }
        header = body;
        limit.check(number(0) & 0xFFFFFFFFL, number(4) & 0xFFFFFFFFL);
        checkForm();
      }
      case "PLTE" -> {
        if (body.length == 0 || body.length % 3 != 0 || body.length > 3 * 256) {
          throw damaged("a palette of " + body.length + " bytes");
        }
        palette = body;
      }
      case "IDAT" -> data.write(body);
      case "eXIf" -> orientation = Orientation.ofExif(body);
      default -> {}
    }
  }

  private void checkForm() throws IOException {
    boolean known =
        switch (colourType()) {
          case GREY -> Integer.bitCount(bits()) == 1 && bits() <= 16;
          case PALETTE -> Integer.bitCount(bits()) == 1 && bits() <= 8;
          case RGB, GREY_ALPHA, RGBA -> bits() == 8 || bits() == 16;
          default -> false;
        };
    if (!known || header[10] != 0 || header[11] != 0 || header[12] < 0 || header[12] > 1) {
      throw damaged("its header asks for something that PNG does not have");
    }
  }

  private RgbImage decode() throws IOException {
    if (data.size() == 0) {
      throw damaged("it has no picture data");
    }
    if (colourType() == PALETTE && palette.length == 0) {
      throw damaged("its palette is missing");
    }
    Raster raster = JdkDecoder.image("png", bare()).getRaster();
    int width = raster.getWidth();
    int height = raster.getHeight();
    int bands = raster.getNumBands();
    byte[] rgb = new byte[3 * width * height];
    int[] row = new int[bands * width];
    for (int y = 0; y < height; y++) {
      raster.getPixels(0, y, width, 1, row);
      for (int x = 0; x < width; x++) {
        int at = 3 * (y * width + x);
        for (int c = 0; c < 3; c++) {
          rgb[at + c] = (byte) value(row, bands * x, c);
        }
      }
    }
    return orientation.upright(new RgbImage(width, height, rgb));
  }

  /** Channel c of the pixel whose samples start at {@code from}, by Pillow's rules. */
  private int value(int[] samples, int from, int c) {
    return switch (colourType()) {
      case GREY ->
          bits() == 16 ? Math.min(255, samples[from]) : samples[from] * 255 / ((1 << bits()) - 1);
      case PALETTE -> {
        int entry = 3 * samples[from] + c;
        yield entry < palette.length ? palette[entry] : 0;
      }
      case GREY_ALPHA -> samples[from] >> bits() - 8;
      default -> samples[from + c] >> bits() - 8;
    };
  }

  /** The file with nothing but what its pixels need. */
  private byte[] bare() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream(data.size() + 1024);
    out.write(file.array(), 0, SIGNATURE_BYTES);
    PngChunks.write(out, "IHDR", header);
    if (colourType() == PALETTE) {
      PngChunks.write(out, "PLTE", palette);
    }
    PngChunks.write(out, "IDAT", data.toByteArray());
    PngChunks.write(out, "IEND", new byte[0]);
    return out.toByteArray();
  }

  private int number(int at) {
    return ByteBuffer.wrap(header).getInt(at);
  }

  private int bits() {
    return header[8];
  }

  private int colourType() {
    return header[9];
  }

  private static byte[] body(byte[] typed) {
    return Arrays.copyOfRange(typed, 4, typed.length);
  }

  private static int crc(byte[] typed) {
    CRC32 crc = new CRC32();
    crc.update(typed);
    return (int) crc.getValue();
  }

  private static IOException damaged(String why) {
    return new IOException("the file is damaged (" + why + ")");
  }
}
