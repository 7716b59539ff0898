package io.github.tuneqdm.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.GoldenTensors;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PillowResizeTest {
  private static final GoldenTensors GOLDENS = GoldenTensors.open("preprocess.safetensors");

  private final RgbImage small = GOLDENS.image("small.rgb");

  @ParameterizedTest
  @EnumSource
  void shrinksAsPillowDoes(Resampling resampling) {
    assertThat(PillowResize.resize(small, 13, 11, resampling))
        .isEqualTo(golden("small.down_13x11.", resampling));
  }

  @ParameterizedTest
  @EnumSource
  void enlargesAsPillowDoes(Resampling resampling) {
    assertThat(PillowResize.resize(small, 67, 50, resampling))
        .isEqualTo(golden("small.up_67x50.", resampling));
  }

  @ParameterizedTest
  @EnumSource
  void onePixelFillsAnySize(Resampling resampling) {
    RgbImage pixel = RgbImage.filled(1, 1, 0x12AB00);

    assertThat(PillowResize.resize(pixel, 3, 5, resampling))
        .isEqualTo(RgbImage.filled(3, 5, 0x12AB00));
  }

  @ParameterizedTest
  @EnumSource
  void flatColourStaysWhateverTheSize(Resampling resampling) {
    RgbImage flat = RgbImage.filled(37, 23, 0xFF8001);

    for (int size = 1; size < 80; size += 7) {
      assertThat(PillowResize.resize(flat, size, 80 - size, resampling))
          .isEqualTo(RgbImage.filled(size, 80 - size, 0xFF8001));
    }
  }

  @Test
  void sameSizeIsTheSamePicture() {
    assertThat(PillowResize.resize(small, 40, 30, Resampling.BICUBIC)).isSameAs(small);
  }

  @Test
  void sizesWithoutPixelsAreRefused() {
    assertThatThrownBy(() -> PillowResize.resize(small, 0, 5, Resampling.BOX))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot resize to 0 x 5");
  }

  private static RgbImage golden(String prefix, Resampling resampling) {
    return GOLDENS.image(prefix + resampling.name().toLowerCase(Locale.ROOT));
  }
}
