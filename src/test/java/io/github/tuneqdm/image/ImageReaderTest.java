package io.github.tuneqdm.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.GoldenTensors;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageReaderTest {
  private static final PhotoForms FORMS = PhotoForms.load();
  private static final long LIMIT = 64_000_000;

  @TempDir Path folder;

  @Test
  void goldenPhotoDecodesToTheReferencesBytes() {
    GoldenTensors goldens = GoldenTensors.open("preprocess.safetensors");

    assertThat(ImageReader.read(Path.of("src/test/goldens/photo/nonsquare.jpg"), LIMIT))
        .isEqualTo(goldens.image("decoded_rgb"));
  }

  @ParameterizedTest
  @MethodSource("forms")
  void everyFormDecodesAsInPillow(String name) {
    assertThat(ImageReader.read(FORMS.file(name), name, LIMIT))
        .isEqualTo(FORMS.expected().get(name));
  }

  @ParameterizedTest
  @MethodSource("forms")
  void noTruncatedFileYieldsAnotherPicture(String name) {
    byte[] file = FORMS.file(name);
    RgbImage whole = FORMS.expected().get(name);
    for (int length = 0; length < file.length; length += 7) {
      byte[] part = Arrays.copyOf(file, length);
      // Some bytes at the very end (padding, a trailer, later frames) are no part of the picture.
      try {
        assertThat(ImageReader.read(part, name, LIMIT)).isEqualTo(whole);
      } catch (TuneQdmException e) {
        assertThat(e).hasMessageStartingWith("Cannot read " + name + ": ");
        assertThat(e.exitCode()).isEqualTo(ExitCode.INPUT_DATA);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("forms")
  void damagedFilesFailWithNothingButAMessage(String name) {
    Random random = new Random(name.hashCode());
    for (int i = 0; i < 40; i++) {
      byte[] file = FORMS.file(name);
      file[random.nextInt(file.length)] = (byte) random.nextInt();
      assertThatCode(
              () -> {
                try {
                  ImageReader.read(file, name, 1_000_000);
                } catch (TuneQdmException refused) {
                  assertThat(refused).hasMessageStartingWith("Cannot read " + name + ": ");
                }
              })
          .doesNotThrowAnyException();
    }
  }

  static Set<String> forms() {
    return FORMS.files().keySet();
  }

  @ParameterizedTest
  @ValueSource(strings = {"rgb420.jpg", "rgb8.png", "plain.gif", "rgb.bmp"})
  void bytesAfterThePictureAreIgnored(String name) {
    byte[] file = FORMS.file(name);
    byte[] longer = Arrays.copyOf(file, file.length + 500);

    assertThat(ImageReader.read(longer, name, LIMIT)).isEqualTo(FORMS.expected().get(name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"progressive.jpg", "rgb420.jpg", "rgb8.png"})
  void halfAFileIsCalledTruncated(String name) {
    byte[] file = FORMS.file(name);

    assertRefused(
        Arrays.copyOf(file, file.length - file.length / 8),
        "the file is truncated (copy it again)");
  }

  @Test
  void bombsAreRefusedByTheirHeaders() {
    byte[] png = FORMS.file("rgb8.png");
    setPngSize(png, 50_000, 50_000);
    byte[] gif = FORMS.file("plain.gif");
    ByteBuffer.wrap(gif).order(ByteOrder.LITTLE_ENDIAN).putInt(6, 50_000 << 16 | 50_000);
    byte[] bmp = FORMS.file("rgb.bmp");
    ByteBuffer.wrap(bmp).order(ByteOrder.LITTLE_ENDIAN).putInt(18, 50_000).putInt(22, -50_000);
    byte[] jpeg = FORMS.file("rgb420.jpg");
    int frame = indexOf(jpeg, new byte[] {(byte) 0xFF, (byte) 0xC0});
    ByteBuffer.wrap(jpeg).putShort(frame + 5, (short) 50_000).putShort(frame + 7, (short) 50_000);

    for (byte[] bomb : new byte[][] {png, gif, bmp, jpeg}) {
      assertRefused(
          bomb, "50000 x 50000 pixels exceed the 64-megapixel limit (tuneqdm.data.max-pixels)");
    }
  }

  @Test
  void sizesThatOverflowAreRefused() {
    byte[] png = FORMS.file("rgb8.png");
    setPngSize(png, 0xFFFFFFFF, 0xFFFFFFFF);

    assertRefused(png, "4294967295 x 4294967295 pixels exceed");
    assertThatThrownBy(() -> ImageReader.read(png, "x", Long.MAX_VALUE))
        .hasMessageContaining("4294967295 x 4294967295 pixels");
  }

  @Test
  void limitIsHeldExactly() {
    byte[] png = PngEncoder.encode(RgbImage.filled(10, 10, 0), Map.of());

    assertThat(ImageReader.read(png, "a.png", 100)).isEqualTo(RgbImage.filled(10, 10, 0));
    assertThatThrownBy(() -> ImageReader.read(png, "a.png", 99))
        .isInstanceOf(TuneQdmException.class)
        .hasMessage(
            "Cannot read a.png: 10 x 10 pixels exceed the limit of 99 pixels"
                + " (tuneqdm.data.max-pixels)");
  }

  @Test
  void picturesWithoutPixelsAreRefused() {
    byte[] png = FORMS.file("rgb8.png");
    setPngSize(png, 0, 5);

    assertRefused(png, "its header says 0 x 5 pixels");
  }

  @Test
  void textBombsInChunksAreNotInflated() throws IOException {
    byte[] png = FORMS.file("rgb8.png");
    ByteArrayOutputStream bomb = new ByteArrayOutputStream();
    bomb.write(png, 0, 33);
    PngChunks.write(bomb, "zTXt", "a\0\0not deflated at all".getBytes(StandardCharsets.US_ASCII));
    bomb.write(png, 33, png.length - 33);

    assertThat(ImageReader.read(bomb.toByteArray(), "x", LIMIT))
        .isEqualTo(FORMS.expected().get("rgb8.png"));
  }

  @Test
  void wrongChecksumsAreNamed() {
    byte[] png = FORMS.file("rgb8.png");
    png[png.length - 20] ^= 1;

    assertRefused(png, "the file is damaged (checksum of its IDAT chunk)");
  }

  @Test
  void otherFormsAreNamed() {
    assertRefused(new byte[0], "the file is empty");
    assertRefused(latin1("hello, this is a text"), "it is no JPEG, PNG, BMP or GIF picture");
    assertRefused(latin1("RIFF1234WEBPVP8 "), "WebP pictures are not supported (convert it");
    assertRefused(latin1("II*\0________"), "TIFF or camera raw pictures are not supported");
    assertRefused(latin1("1234ftypheic"), "HEIF/AVIF pictures are not supported");
  }

  @Test
  void contentCountsAndNotTheExtension() throws IOException {
    Path file = Files.write(folder.resolve("photo.jpg"), FORMS.file("rgb8.png"));

    assertThat(ImageReader.read(file, LIMIT)).isEqualTo(FORMS.expected().get("rgb8.png"));
  }

  @Test
  void missingFilesAndFoldersAreNamed() {
    assertThatThrownBy(() -> ImageReader.read(folder.resolve("none.jpg"), LIMIT))
        .isInstanceOf(TuneQdmException.class)
        .hasMessage("Cannot read " + folder.resolve("none.jpg") + ": no such file");
    assertThatThrownBy(() -> ImageReader.read(folder, LIMIT))
        .isInstanceOf(TuneQdmException.class)
        .hasMessage("Cannot read " + folder + ": it is a folder");
  }

  @ParameterizedTest
  @ValueSource(strings = {"00.jpg", "IMG.JPEG", "a.b.png", "c.gif", "d.bmp", "e.webp", "f.HEIC"})
  void photosLookLikeImages(String name) {
    assertThat(ImageReader.looksLikeImage(name)).isTrue();
  }

  @Test
  void litterIsSkippedWithAReason() throws IOException {
    assertThat(ImageReader.reasonToSkip(".DS_Store")).contains("hidden file");
    assertThat(ImageReader.reasonToSkip("._00.jpg")).contains("hidden file");
    assertThat(ImageReader.reasonToSkip("Thumbs.db")).contains("left by a file manager");
    assertThat(ImageReader.reasonToSkip("LICENSE")).contains("no image file extension");
    assertThat(ImageReader.reasonToSkip("notes.txt"))
        .contains("not an image by its extension .txt");
    Path inner = Files.createDirectory(folder.resolve("more.jpg"));
    assertThat(ImageReader.reasonToSkip(inner)).contains("sub-folder");
    assertThat(ImageReader.looksLikeImage("._00.jpg")).isFalse();
  }

  private static void assertRefused(byte[] file, String why) {
    assertThatThrownBy(() -> ImageReader.read(file, "dog/03.jpg", LIMIT))
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.INPUT_DATA))
        .hasMessageStartingWith("Cannot read dog/03.jpg: " + why);
  }

  private static void setPngSize(byte[] png, int width, int height) {
    ByteBuffer buffer = ByteBuffer.wrap(png).putInt(16, width).putInt(20, height);
    CRC32 crc = new CRC32();
    crc.update(png, 12, 17);
    buffer.putInt(29, (int) crc.getValue());
  }

  private static int indexOf(byte[] bytes, byte[] part) {
    int at = 0;
    while (!Arrays.equals(bytes, at, at + part.length, part, 0, part.length)) {
      at++;
    }
    return at;
  }

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
