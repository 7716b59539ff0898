package io.github.tuneqdm.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OrientationTest {
  private static final int TAG = 0x0112;
  private static final int SHORT = 3;

  /** Two columns, three rows, each pixel a letter: ab / cd / ef. */
  private final RgbImage picture = letters(2, 3, "abcdef");

  @ParameterizedTest
  @CsvSource({
    "1, 2, 3, abcdef",
    "2, 2, 3, badcfe",
    "3, 2, 3, fedcba",
    "4, 2, 3, efcdab",
    "5, 3, 2, acebdf",
    "6, 3, 2, ecafdb",
    "7, 3, 2, fdbeca",
    "8, 3, 2, bdface"
  })
  void eachOrientationTurnsThePictureUpright(int value, int width, int height, String seen) {
    Orientation orientation = Orientation.ofExif(exif(ByteOrder.LITTLE_ENDIAN, SHORT, value));

    assertThat(orientation.ordinal()).isEqualTo(value - 1);
    assertThat(orientation.upright(picture)).isEqualTo(letters(width, height, seen));
  }

  @Test
  void bothByteOrdersAndThePrefixAreUnderstood() {
    byte[] exif = exif(ByteOrder.BIG_ENDIAN, SHORT, 6);
    byte[] prefixed = new byte[6 + exif.length];
    System.arraycopy("Exif\0\0".getBytes(), 0, prefixed, 0, 6);
    System.arraycopy(exif, 0, prefixed, 6, exif.length);

    assertThat(Orientation.ofExif(exif)).isEqualTo(Orientation.TURNED_LEFT);
    assertThat(Orientation.ofExif(prefixed)).isEqualTo(Orientation.TURNED_LEFT);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 9, 255, 65535})
  void valuesOutsideTheStandardMeanUpright(int value) {
    assertThat(Orientation.ofExif(exif(ByteOrder.LITTLE_ENDIAN, SHORT, value)))
        .isEqualTo(Orientation.UPRIGHT);
  }

  @Test
  void blocksThatAreCutOffMeanUpright() {
    byte[] exif = exif(ByteOrder.LITTLE_ENDIAN, SHORT, 3);
    for (int length = 0; length < exif.length - 4; length++) {
      assertThat(Orientation.ofExif(Arrays.copyOf(exif, length))).isEqualTo(Orientation.UPRIGHT);
    }
  }

  @Test
  void offsetsOutsideTheBlockMeanUpright() {
    for (int offset : new int[] {-1, Integer.MIN_VALUE, Integer.MAX_VALUE, 1000}) {
      byte[] exif = exif(ByteOrder.LITTLE_ENDIAN, SHORT, 3);
      ByteBuffer.wrap(exif).order(ByteOrder.LITTLE_ENDIAN).putInt(4, offset);

      assertThat(Orientation.ofExif(exif)).isEqualTo(Orientation.UPRIGHT);
    }
  }

  @Test
  void noiseNeverThrows() {
    Random random = new Random(1);
    for (int i = 0; i < 20_000; i++) {
      byte[] exif = exif(ByteOrder.LITTLE_ENDIAN, random.nextInt(14), random.nextInt(10));
      exif[random.nextInt(exif.length)] = (byte) random.nextInt();
      exif[random.nextInt(exif.length)] = (byte) random.nextInt();

      assertThat(Orientation.ofExif(exif)).isNotNull();
    }
  }

  /** A TIFF header and a directory of two entries, the second one the orientation. */
  private static byte[] exif(ByteOrder order, int type, int value) {
    ByteBuffer exif = ByteBuffer.allocate(38).order(order);
    exif.put(order == ByteOrder.LITTLE_ENDIAN ? new byte[] {'I', 'I'} : new byte[] {'M', 'M'});
    exif.putShort((short) 42).putInt(8).putShort((short) 2);
    exif.putShort((short) 0x010F).putShort((short) 2).putInt(4).putInt(0);
    exif.putShort((short) TAG).putShort((short) type).putInt(1).putShort((short) value);
    return exif.array();
  }

  private static RgbImage letters(int width, int height, String letters) {
    byte[] rgb = new byte[3 * letters.length()];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (letters.charAt(i / 3) + i % 3);
    }
    return new RgbImage(width, height, rgb);
  }
}
