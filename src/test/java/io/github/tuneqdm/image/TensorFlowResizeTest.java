package io.github.tuneqdm.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class TensorFlowResizeTest {
  @Test
  void aRampKeepsItsFirstValueAndRepeatsItsLast() {
    RgbImage ramp = grey(2, 1, 0, 100);

    // Source positions 0, 0.5, 1, 1.5: past the last pixel there is nothing to mix with.
    float[] wide = TensorFlowResize.square(ramp, 4);
    assertThat(Arrays.copyOf(wide, 4)).containsExactly(0, 50, 100, 100);
    assertThat(wide).hasSize(3 * 4 * 4);
    assertThat(Arrays.copyOfRange(wide, 32, 36)).containsExactly(0, 50, 100, 100);
  }

  @Test
  void shrinkingPicksWithoutSmoothing() {
    RgbImage picture =
        grey(4, 4, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150);

    float[] half = TensorFlowResize.square(picture, 2);
    assertThat(Arrays.copyOf(half, 4)).containsExactly(0, 20, 80, 100);

    float[] third = TensorFlowResize.square(picture, 3);
    assertThat(third[4]).isCloseTo(10 * 4 / 3f + 40 * 4 / 3f, within(1e-4f));
  }

  @Test
  void thePicturesOwnSizeChangesNothing() {
    RgbImage picture = grey(2, 2, 1, 2, 3, 255);

    assertThat(Arrays.copyOf(TensorFlowResize.square(picture, 2), 4)).containsExactly(1, 2, 3, 255);
  }

  private static RgbImage grey(int width, int height, int... values) {
    byte[] rgb = new byte[3 * width * height];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) values[i / 3];
    }
    return new RgbImage(width, height, rgb);
  }
}
