package io.github.tuneqdm.image;

import java.util.List;

/**
 * Pictures side by side in rows. All cells have the size of the largest picture; smaller ones stand
 * in the middle of theirs. Rows may be of different length.
 *
 * @param padding pixels of background around and between the cells
 * @param background 0xRRGGBB
 */
public record ContactSheet(int padding, int background) {
  private static final int WHITE = 0xFFFFFF;

  public ContactSheet {
    if (padding < 0) {
      throw new IllegalArgumentException("No padding has " + padding + " pixels");
    }
  }

  /** A sheet on white. */
  public static ContactSheet white(int padding) {
    return new ContactSheet(padding, WHITE);
  }

  /**
   * @param rows from top to bottom, each from left to right; at least one picture
   */
  public RgbImage compose(List<List<RgbImage>> rows) {
    List<RgbImage> all = rows.stream().flatMap(List::stream).toList();
    if (all.isEmpty()) {
      throw new IllegalArgumentException("A contact sheet needs a picture");
    }
    int cellWidth = all.stream().mapToInt(RgbImage::width).max().getAsInt();
    int cellHeight = all.stream().mapToInt(RgbImage::height).max().getAsInt();
    int columns = rows.stream().mapToInt(List::size).max().getAsInt();
    RgbImage sheet =
        RgbImage.filled(
            padding + columns * (cellWidth + padding),
            padding + rows.size() * (cellHeight + padding),
            background);
    for (int row = 0; row < rows.size(); row++) {
      for (int column = 0; column < rows.get(row).size(); column++) {
        RgbImage image = rows.get(row).get(column);
        int left = padding + column * (cellWidth + padding) + (cellWidth - image.width()) / 2;
        int top = padding + row * (cellHeight + padding) + (cellHeight - image.height()) / 2;
        paste(image, sheet, left, top);
      }
    }
    return sheet;
  }

  private static void paste(RgbImage image, RgbImage sheet, int left, int top) {
    int stride = 3 * image.width();
    for (int y = 0; y < image.height(); y++) {
      int to = 3 * ((top + y) * sheet.width() + left);
      System.arraycopy(image.rgb(), y * stride, sheet.rgb(), to, stride);
    }
  }
}
