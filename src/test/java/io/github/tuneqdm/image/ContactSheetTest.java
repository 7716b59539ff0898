package io.github.tuneqdm.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class ContactSheetTest {
  private static final int RED = 0xFF0000;
  private static final int BLUE = 0x0000FF;

  @Test
  void picturesStandInRowsWithPaddingAroundThem() {
    RgbImage red = RgbImage.filled(4, 4, RED);
    RgbImage blue = RgbImage.filled(2, 2, BLUE);

    RgbImage sheet = ContactSheet.white(3).compose(List.of(List.of(red, blue), List.of(red)));

    assertThat(sheet.width()).isEqualTo(3 + 4 + 3 + 4 + 3);
    assertThat(sheet.height()).isEqualTo(3 + 4 + 3 + 4 + 3);
    assertThat(sheet.crop(3, 3, 4, 4)).isEqualTo(red);
    assertThat(sheet.crop(3, 10, 4, 4)).isEqualTo(red);
    assertThat(sheet.crop(11, 4, 2, 2)).isEqualTo(blue);
    assertThat(sheet.crop(10, 3, 4, 1)).isEqualTo(RgbImage.filled(4, 1, 0xFFFFFF));
    assertThat(sheet.crop(7, 7, 10, 10)).isEqualTo(RgbImage.filled(10, 10, 0xFFFFFF));
  }

  @Test
  void backgroundMayBeAnyColour() {
    RgbImage sheet =
        new ContactSheet(1, BLUE).compose(List.of(List.of(RgbImage.filled(1, 1, RED))));

    assertThat(sheet.crop(0, 0, 3, 1)).isEqualTo(RgbImage.filled(3, 1, BLUE));
    assertThat(sheet.crop(1, 1, 1, 1)).isEqualTo(RgbImage.filled(1, 1, RED));
  }

  @Test
  void sheetsWithoutPicturesAreRefused() {
    assertThatThrownBy(() -> ContactSheet.white(1).compose(List.of(List.of())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("A contact sheet needs a picture");
  }
}
