package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.image.PngEncoder;
import io.github.tuneqdm.image.RgbImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ThumbnailTest {
  private static final long MAX_PIXELS = 1 << 26;
  private static final Path TINY = Path.of("src/demo/toyworld/subjects/mug1/0.png");
  private static final Path PHOTO = Path.of("src/test/goldens/photo/nonsquare.jpg");

  @Test
  void aTinyPictureKeepsEveryPixelAndNothingElse() throws IOException {
    RgbImage picture = ImageReader.read(TINY, MAX_PIXELS);
    byte[] file = PngEncoder.encode(picture, Map.of("place", "52 N 13 E"));

    Thumbnail thumbnail = Thumbnail.of(file, "mug.png", MAX_PIXELS);

    assertThat(thumbnail.extension()).isEqualTo("png");
    assertThat(new String(thumbnail.bytes(), StandardCharsets.ISO_8859_1)).doesNotContain("52 N");
    assertThat(thumbnail.bytes()).isEqualTo(PngEncoder.encode(picture, Map.of()));
  }

  @Test
  void aPhotoBecomesASmallJpegOfTheSameShape() throws IOException {
    byte[] file = Files.readAllBytes(PHOTO);
    RgbImage photo = ImageReader.read(file, "photo", MAX_PIXELS);

    Thumbnail thumbnail = Thumbnail.of(file, "photo.jpg", MAX_PIXELS);

    RgbImage small = ImageReader.read(thumbnail.bytes(), "thumbnail", MAX_PIXELS);
    assertThat(thumbnail.extension()).isEqualTo("jpg");
    assertThat(Math.max(small.width(), small.height()))
        .isEqualTo(Math.min(256, Math.max(photo.width(), photo.height())));
    assertThat((double) small.width() / small.height())
        .isCloseTo((double) photo.width() / photo.height(), within(0.02));
    assertThat(Thumbnail.of(file, "photo.jpg", MAX_PIXELS).bytes()).isEqualTo(thumbnail.bytes());
  }
}
