package io.github.tuneqdm.image;

/**
 * Bilinear resizing as TensorFlow 1 does it without {@code align_corners}: output pixel x looks at
 * {@code x * in / out}, not at pixel centres, and nothing is smoothed before a picture shrinks.
 * Inception's published scores rest on it.
 */
public final class TensorFlowResize {
  private TensorFlowResize() {}

  /** The picture as float32 (3, side, side), values 0 to 255. */
  public static float[] square(RgbImage image, int side) {
    float[] values = new float[3 * side * side];
    float scaleX = (float) image.width() / side;
    float scaleY = (float) image.height() / side;
    for (int y = 0; y < side; y++) {
      float sourceY = y * scaleY;
      int top = (int) sourceY;
      int bottom = Math.min(top + 1, image.height() - 1);
      float down = sourceY - top;
      for (int x = 0; x < side; x++) {
        float sourceX = x * scaleX;
        int left = (int) sourceX;
        int right = Math.min(left + 1, image.width() - 1);
        float across = sourceX - left;
        for (int c = 0; c < 3; c++) {
          float upper = between(image.sample(left, top, c), image.sample(right, top, c), across);
          float lower =
              between(image.sample(left, bottom, c), image.sample(right, bottom, c), across);
          values[(c * side + y) * side + x] = between(upper, lower, down);
        }
      }
    }
    return values;
  }

  private static float between(float a, float b, float share) {
    return a + (b - a) * share;
  }
}
