package io.github.tuneqdm.image;

import java.awt.image.Raster;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A JPEG: the markers up to the first scan are read here, the samples by the JDK, the colours again
 * here.
 *
 * <p>The decoder sees a copy without application segments. So neither an ICC profile nor a damaged
 * thumbnail can change or stop the decoding, and the samples come as stored. Colours then follow
 * libjpeg's rules and its fixed-point arithmetic, hence equal Pillow's.
 */
final class JpegPhoto {
  private static final int SOI = 0xD8;
  private static final int EOI = 0xD9;
  private static final int SOS = 0xDA;
  private static final int APP0 = 0xE0;
  private static final int APP1 = 0xE1;
  private static final int APP14 = 0xEE;
  private static final int APP15 = 0xEF;
  private static final int COM = 0xFE;

  private static final int NO_ADOBE_MARKER = -1;

  /**
   * Cameras and encoders write about ten. A decoder goes over all pixels for each, so that a small
   * file of many empty scans would keep it busy for hours.
   */
  private static final int MAX_SCANS = 100;

  private final byte[] bytes;
  private final ByteArrayOutputStream bare = new ByteArrayOutputStream();
  private int width;
  private int height;
  private byte[] componentIds = {};
  private boolean jfif;
  private int adobeTransform = NO_ADOBE_MARKER;
  private Orientation orientation;

  private JpegPhoto(byte[] bytes) {
    this.bytes = bytes;
  }

  static RgbImage decode(byte[] bytes, ImageReader.PixelLimit limit) throws IOException {
    JpegPhoto photo = new JpegPhoto(bytes);
    photo.readMarkers();
    limit.check(photo.width, photo.height);
    return photo.decode();
  }

  private void readMarkers() throws IOException {
    bare.write(bytes, 0, 2);
    int at = 2;
    while (true) {
      if (at + 4 > bytes.length) {
        throw new EOFException();
      }
      if (unsigned(at) != 0xFF) {
        throw new IOException("the file is damaged (no marker at byte " + at + ")");
      }
      int marker = unsigned(at + 1);
      if (marker == 0xFF) { // any number of fill bytes may stand before a marker
        at++;
        continue;
      }
      if (marker == SOI || marker == EOI || marker == 0 || marker == 1) {
        throw new IOException("the file is damaged (marker " + marker + " before the picture)");
      }
      int length = unsigned(at + 2) << 8 | unsigned(at + 3);
      int end = at + 2 + length;
      if (length < 2) {
        throw new IOException("the file is damaged (segment without length at byte " + at + ")");
      }
      if (end > bytes.length) {
        throw new EOFException();
      }
      if (marker == SOS) {
        break;
      }
      byte[] body = Arrays.copyOfRange(bytes, at + 4, end);
      readSegment(marker, body);
      if (marker < APP0 || marker > APP15 && marker != COM) {
        bare.write(bytes, at, end - at);
      }
      at = end;
    }
    if (componentIds.length == 0) {
      throw new IOException("the file is damaged (no frame header before the first scan)");
    }
    countScans(at);
    bare.write(bytes, at, bytes.length - at);
  }

  private void countScans(int from) throws IOException {
    int scans = 0;
    int at = from;
    while (at + 1 < bytes.length) {
      int marker = unsigned(at) == 0xFF ? unsigned(at + 1) : 0;
      if (marker == EOI) {
        return;
      }
      if (marker == SOS && ++scans > MAX_SCANS) {
        throw new IOException(
            "it has more than " + MAX_SCANS + " scans (save it again as an ordinary JPEG)");
      }
      at++;
    }
  }

  private void readSegment(int marker, byte[] body) throws IOException {
    switch (marker) {
      case 0xC0, 0xC1, 0xC2 -> readFrame(body);
      case 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF ->
          throw new IOException(
              "lossless, hierarchical and arithmetic-coded JPEG are not supported"
                  + " (save it as an ordinary JPEG or PNG)");
      case APP0 -> jfif |= startsWith(body, "JFIF\0") && body.length >= 12;
      case APP1 -> {
        if (orientation == null && startsWith(body, "Exif\0\0")) {
          orientation = Orientation.ofExif(body);
        }
      }
      case APP14 -> {
        if (startsWith(body, "Adobe") && body.length >= 12) {
          adobeTransform = body[11] & 0xFF;
        }
      }
      default -> {}
    }
  }

  private void readFrame(byte[] body) throws IOException {
    if (body.length < 6 || body.length < 6 + 3 * (body[5] & 0xFF)) {
      throw new IOException("the file is damaged (short frame header)");
    }
    if (body[0] != 8) {
      throw new IOException((body[0] & 0xFF) + "-bit JPEG is not supported (save it with 8 bits)");
    }
    height = (body[1] & 0xFF) << 8 | body[2] & 0xFF;
    width = (body[3] & 0xFF) << 8 | body[4] & 0xFF;
    componentIds = new byte[body[5] & 0xFF];
    for (int i = 0; i < componentIds.length; i++) {
      componentIds[i] = body[6 + 3 * i];
    }
    if (componentIds.length != 1 && componentIds.length != 3 && componentIds.length != 4) {
      throw new IOException(
          componentIds.length + " colour channels are not supported (1, 3 or 4 are)");
    }
  }

  private RgbImage decode() throws IOException {
    Raster raster = JdkDecoder.raster("jpeg", bare.toByteArray());
    if (raster.getWidth() != width
        || raster.getHeight() != height
        || raster.getNumBands() != componentIds.length) {
      throw new IOException("the file is damaged (its size changes midway)");
    }
    int bands = componentIds.length;
    byte[] rgb = new byte[3 * width * height];
    int[] row = new int[bands * width];
    for (int y = 0; y < height; y++) {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
      toRgb(row, rgb, 3 * width * y);
    }
    RgbImage image = new RgbImage(width, height, rgb);
    return orientation == null ? image : orientation.upright(image);
  }

  private void toRgb(int[] row, byte[] rgb, int at) {
    int bands = componentIds.length;
    boolean luma = bands == 3 ? isYcc() : bands == 4 && isYcck();
    int[] pixel = new int[3];
    for (int x = 0; x < width; x++) {
      int from = bands * x;
      pixel[0] = row[from];
      pixel[1] = bands == 1 ? row[from] : row[from + 1];
      pixel[2] = bands == 1 ? row[from] : row[from + 2];
      if (luma) {
        yccToRgb(pixel);
      }
      if (bands == 4) {
        // YCCK holds the complements of CMY. Adobe's inks are stored inverted (255 is none), and
        // all four-channel files are taken for Adobe's, as Pillow does.
        int light = row[from + 3];
        for (int c = 0; c < 3; c++) {
          int ink = luma ? pixel[c] : 255 - pixel[c];
          pixel[c] = light - multiply(ink, light);
        }
      }
      for (int c = 0; c < 3; c++) {
        rgb[at + 3 * x + c] = (byte) pixel[c];
      }
    }
  }

  /** libjpeg's guess: what JFIF or Adobe say, else whether the channels are called R, G and B. */
  private boolean isYcc() {
    if (jfif) {
      return true;
    }
    if (adobeTransform != NO_ADOBE_MARKER) {
      return adobeTransform != 0;
    }
    return !Arrays.equals(componentIds, new byte[] {'R', 'G', 'B'});
  }

  private boolean isYcck() {
    return adobeTransform != NO_ADOBE_MARKER && adobeTransform != 0;
  }

  /** BT.601 in 16-bit fixed point, rounded as libjpeg rounds. */
  private static void yccToRgb(int[] pixel) {
    int luma = pixel[0];
    int blue = pixel[1] - 128;
    int red = pixel[2] - 128;
    pixel[0] = clip(luma + (91881 * red + 32768 >> 16)); // 1.40200
    pixel[1] = clip(luma + (-22554 * blue - 46802 * red + 32768 >> 16)); // 0.34414, 0.71414
    pixel[2] = clip(luma + (116130 * blue + 32768 >> 16)); // 1.77200
  }

  /** a * b / 255, rounded. */
  private static int multiply(int a, int b) {
    int product = a * b + 128;
    return (product >> 8) + product >> 8;
  }

  private static int clip(int value) {
    return Math.max(0, Math.min(255, value));
  }

  private int unsigned(int at) {
    return bytes[at] & 0xFF;
  }

  private static boolean startsWith(byte[] body, String text) {
    byte[] head = text.getBytes(StandardCharsets.ISO_8859_1);
    return body.length >= head.length && Arrays.equals(body, 0, head.length, head, 0, head.length);
  }
}
