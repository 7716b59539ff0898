package io.github.tuneqdm.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.GoldenTensors;
import org.junit.jupiter.api.Test;

class TrainingTransformTest {
  private static final GoldenTensors GOLDENS = GoldenTensors.open("preprocess.safetensors");

  private final RgbImage photo = GOLDENS.image("decoded_rgb");
  private final TrainingTransform transform = new TrainingTransform(96);

  @Test
  void centreCropEqualsTorchvisions() {
    RgbImage cropped = transform.centreCrop(transform.resize(photo));

    assertThat(cropped).isEqualTo(GOLDENS.image("train96.cropped"));
    ImagePreprocessorTest.assertRows(
        transform.pixelValues(cropped), 96, 40, "train96.pixel_values_rows_40_44");
  }

  @Test
  void cropStartsWhereItIsTold() {
    RgbImage resized = transform.resize(photo);

    assertThat(resized.width()).isEqualTo(119);
    assertThat(resized.height()).isEqualTo(96);
    assertThat(transform.crop(resized, 12, 0)).isEqualTo(transform.centreCrop(resized));
    assertThatThrownBy(() -> transform.crop(resized, 24, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shorterSideMayBeTheWidth() {
    RgbImage resized = transform.resize(RgbImage.filled(10, 15, 0x777777));

    assertThat(resized.width()).isEqualTo(96);
    assertThat(resized.height()).isEqualTo(144);
  }

  @Test
  void valuesSpanMinusOneToOne() {
    assertThat(transform.pixelValues(RgbImage.filled(1, 1, 0x00FF80)))
        .containsExactly(-1f, 1f, (128 / 255f - 0.5f) / 0.5f);
  }
}
