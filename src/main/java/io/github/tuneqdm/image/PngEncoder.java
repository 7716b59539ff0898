package io.github.tuneqdm.image;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.Deflater;

/**
 * Pictures as PNG with text entries: 8-bit RGB, no time stamp, entries sorted by keyword. The same
 * picture and text give the same bytes on every JVM with the same zlib, and the same pixels on all.
 */
public final class PngEncoder {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  private static final int FILTERS = 5;

  /** The best level takes ten times as long for a twentieth of the size. */
  private static final int LEVEL = 6;

  private PngEncoder() {}

  /**
   * @param text keyword (1 to 79 Latin-1 characters, such as {@code prompt} or {@code seed}) to any
   *     text; Latin-1 texts become tEXt chunks, others iTXt
   */
  public static byte[] encode(RgbImage image, Map<String, String> text) {
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    png.writeBytes(SIGNATURE);
    PngChunks.write(png, "IHDR", header(image));
    new TreeMap<>(text).forEach((keyword, value) -> writeText(png, keyword, value));
    PngChunks.write(png, "IDAT", deflate(filter(image)));
    PngChunks.write(png, "IEND", new byte[0]);
    return png.toByteArray();
  }

  private static byte[] header(RgbImage image) {
    byte bits = 8;
    byte colourType = 2; // RGB
    return ByteBuffer.allocate(13)
        .putInt(image.width())
        .putInt(image.height())
        .put(bits)
        .put(colourType)
        .array();
  }

  private static void writeText(ByteArrayOutputStream png, String keyword, String value) {
    if (keyword.isEmpty()
        || keyword.length() > 79
        || !isLatin1(keyword)
        || !keyword.equals(keyword.strip())
        || keyword.chars().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException("No PNG keyword: \"" + keyword + "\"");
    }
    // A zero byte ends a text in PNG; the replacement character says that something stood here.
    String shown = value.replace('\0', '\uFFFD');
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    body.writeBytes(keyword.getBytes(StandardCharsets.ISO_8859_1));
    body.write(0);
    if (isLatin1(shown)) {
      body.writeBytes(shown.getBytes(StandardCharsets.ISO_8859_1));
      PngChunks.write(png, "tEXt", body.toByteArray());
    } else {
      body.writeBytes(new byte[4]); // not compressed (2 bytes), no language, no translation
      body.writeBytes(shown.getBytes(StandardCharsets.UTF_8));
      PngChunks.write(png, "iTXt", body.toByteArray());
    }
  }

  private static boolean isLatin1(String text) {
    Charset latin1 = StandardCharsets.ISO_8859_1;
    return latin1.newEncoder().canEncode(text);
  }

  /** Each row through the filter whose residuals sum least, as the specification advises (12.8). */
  private static byte[] filter(RgbImage image) {
    int stride = 3 * image.width();
    byte[] filtered = new byte[Math.multiplyExact(stride + 1, image.height())];
    byte[] above = new byte[stride];
    byte[] row = new byte[stride];
    byte[] residual = new byte[stride];
    for (int y = 0; y < image.height(); y++) {
      System.arraycopy(image.rgb(), y * stride, row, 0, stride);
      long least = Long.MAX_VALUE;
      for (int filter = 0; filter < FILTERS; filter++) {
        long sum = 0;
        for (int i = 0; i < stride; i++) {
          int left = i < 3 ? 0 : row[i - 3] & 0xFF;
          int corner = i < 3 ? 0 : above[i - 3] & 0xFF;
          residual[i] = (byte) (row[i] - predict(filter, left, above[i] & 0xFF, corner));
          sum += Math.abs(residual[i]);
        }
        if (sum < least) {
          least = sum;
          filtered[y * (stride + 1)] = (byte) filter;
          System.arraycopy(residual, 0, filtered, y * (stride + 1) + 1, stride);
        }
      }
      System.arraycopy(row, 0, above, 0, stride);
    }
    return filtered;
  }

  private static int predict(int filter, int left, int above, int corner) {
    return switch (filter) {
      case 0 -> 0;
      case 1 -> left;
      case 2 -> above;
      case 3 -> (left + above) / 2;
      default -> paeth(left, above, corner);
    };
  }

  /** Of the three neighbours the one nearest to {@code left + above - corner}. */
  private static int paeth(int left, int above, int corner) {
    int estimate = left + above - corner;
    int toLeft = Math.abs(estimate - left);
    int toAbove = Math.abs(estimate - above);
    int toCorner = Math.abs(estimate - corner);
    if (toLeft <= toAbove && toLeft <= toCorner) {
      return left;
    }
    return toAbove <= toCorner ? above : corner;
  }

  private static byte[] deflate(byte[] bytes) {
    Deflater deflater = new Deflater(LEVEL);
    try {
      deflater.setInput(bytes);
      deflater.finish();
      ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length / 2 + 64);
      byte[] buffer = new byte[1 << 16];
      while (!deflater.finished()) {
        out.write(buffer, 0, deflater.deflate(buffer));
      }
      return out.toByteArray();
    } finally {
      deflater.end();
    }
  }
}
