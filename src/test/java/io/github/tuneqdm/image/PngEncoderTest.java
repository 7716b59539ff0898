package io.github.tuneqdm.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class PngEncoderTest {
  private final RgbImage photo =
      ImageReader.read(Path.of("src/test/goldens/photo/nonsquare.jpg"), 1_000_000);

  @Test
  void anotherDecoderSeesThePixels() throws IOException {
    byte[] png = PngEncoder.encode(photo, Map.of("prompt", "a photo of a sks ball"));

    var decoded = ImageIO.read(new ByteArrayInputStream(png));
    assertThat(decoded.getWidth()).isEqualTo(photo.width());
    for (int y = 0; y < photo.height(); y++) {
      for (int x = 0; x < photo.width(); x++) {
        int expected =
            photo.sample(x, y, 0) << 16 | photo.sample(x, y, 1) << 8 | photo.sample(x, y, 2);
        assertThat(decoded.getRGB(x, y) & 0xFFFFFF).isEqualTo(expected);
      }
    }
  }

  @Test
  void anyPictureComesBackAsItWas() {
    Random random = new Random(2);
    for (int i = 0; i < 50; i++) {
      int width = 1 + random.nextInt(40);
      int height = 1 + random.nextInt(40);
      byte[] rgb = new byte[3 * width * height];
      random.nextBytes(rgb);
      RgbImage noise = new RgbImage(width, height, rgb);

      assertThat(ImageReader.read(PngEncoder.encode(noise, Map.of()), "x", 10_000))
          .isEqualTo(noise);
    }
  }

  @Test
  void filtersMakePhotosSmall() {
    assertThat(PngEncoder.encode(photo, Map.of()).length).isLessThan(photo.rgb().length / 2);
  }

  @Test
  void bytesDoNotDependOnTheOrderOfTheText() {
    Map<String, String> forth = new LinkedHashMap<>();
    forth.put("prompt", "a ball");
    forth.put("seed", "42");
    Map<String, String> back = new LinkedHashMap<>();
    back.put("seed", "42");
    back.put("prompt", "a ball");

    assertThat(PngEncoder.encode(photo, forth)).isEqualTo(PngEncoder.encode(photo, back));
  }

  @Test
  void textsAreStoredInTheChunkForTheirAlphabet() {
    byte[] png =
        PngEncoder.encode(
            RgbImage.filled(1, 1, 0),
            Map.of("seed", "42", "prompt", "ein Kätzchen", "subject", "猫", "title", "a\0b"));

    assertThat(textChunks(png))
        .containsExactly(
            "tEXt prompt\0ein Kätzchen",
            "tEXt seed\00042",
            "iTXt subject\0\0\0\0\0猫",
            "iTXt title\0\0\0\0\0a\uFFFDb");
  }

  @Test
  void keywordsThatPngDoesNotAllowAreRefused() {
    for (String keyword : new String[] {"", " a", "a\nb", "猫", "x".repeat(80)}) {
      assertThatThrownBy(() -> PngEncoder.encode(RgbImage.filled(1, 1, 0), Map.of(keyword, "text")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("No PNG keyword");
    }
  }

  private static List<String> textChunks(byte[] png) {
    List<String> texts = new ArrayList<>();
    ByteBuffer buffer = ByteBuffer.wrap(png).position(8);
    while (buffer.hasRemaining()) {
      byte[] body = new byte[buffer.getInt()];
      byte[] type = new byte[4];
      buffer.get(type).get(body).getInt();
      String name = new String(type, StandardCharsets.US_ASCII);
      if (name.equals("tEXt")) {
        texts.add("tEXt " + new String(body, StandardCharsets.ISO_8859_1));
      } else if (name.equals("iTXt")) {
        texts.add("iTXt " + new String(body, StandardCharsets.UTF_8));
      }
    }
    return texts;
  }
}
