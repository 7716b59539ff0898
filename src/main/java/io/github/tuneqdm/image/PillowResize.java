package io.github.tuneqdm.image;

import java.util.Arrays;

/**
 * Pillow's {@code Image.resize} for 8-bit pictures, byte for byte.
 *
 * <p>A separable convolution, rows first, rounded to bytes between the passes. When shrinking, the
 * kernel is stretched by the scale, so that every source pixel counts (anti-aliasing). Weights are
 * computed in double, normalised to sum 1 and rounded to fixed point:
 *
 * <pre>
 *   centre(i) = (i + 1/2) * scale                     scale = in / out
 *   weight(i, j) ~ kernel((j - centre(i) + 1/2) / max(scale, 1))
 *   out(i) = clip((sum_j round(weight(i, j) 2^22) in(j) + 2^21) >> 22)
 * </pre>
 */
public final class PillowResize {
  /** 32 bits, less 8 for the sample, less 2 for sums of weights beyond 1 and the sign. */
  private static final int PRECISION_BITS = 32 - 8 - 2;

  private static final int HALF = 1 << (PRECISION_BITS - 1);

  private PillowResize() {}

  /** The picture at width x height. A picture that has that size already is returned as it is. */
  public static RgbImage resize(RgbImage image, int width, int height, Resampling resampling) {
    if (width < 1 || height < 1) {
      throw new IllegalArgumentException("Cannot resize to " + width + " x " + height);
    }
    if (image.width() == width && image.height() == height) {
      return image;
    }
    if (resampling == Resampling.NEAREST) {
      return nearest(image, width, height);
    }
    RgbImage wide =
        image.width() == width
            ? image
            : horizontal(image, Weights.of(image.width(), width, resampling));
    return image.height() == height
        ? wide
        : vertical(wide, Weights.of(image.height(), height, resampling));
  }

  /** For each output place: the first source place and the fixed-point weights from there on. */
  private record Weights(int[] first, int[][] weights) {
    static Weights of(int in, int out, Resampling resampling) {
      double scale = (double) in / out;
      double stretch = Math.max(scale, 1);
      double support = resampling.support() * stretch;
      double shrink = 1 / stretch;
      int[] first = new int[out];
      int[][] fixed = new int[out][];
      for (int i = 0; i < out; i++) {
        double centre = (i + 0.5) * scale;
        first[i] = Math.max(0, (int) (centre - support + 0.5));
        int end = Math.min(in, (int) (centre + support + 0.5));
        double[] exact = new double[end - first[i]];
        double sum = 0;
        for (int j = 0; j < exact.length; j++) {
          exact[j] = resampling.weight((j + first[i] - centre + 0.5) * shrink);
          sum += exact[j];
        }
        fixed[i] = new int[exact.length];
        for (int j = 0; j < exact.length; j++) {
          double weight = sum == 0 ? exact[j] : exact[j] / sum;
          fixed[i][j] = (int) (weight * (1 << PRECISION_BITS) + (weight < 0 ? -0.5 : 0.5));
        }
      }
      return new Weights(first, fixed);
    }

    int count() {
      return first.length;
    }
  }

  private static RgbImage horizontal(RgbImage image, Weights columns) {
    int width = columns.count();
    byte[] in = image.rgb();
    byte[] out = new byte[Math.multiplyExact(3, Math.multiplyExact(width, image.height()))];
    int at = 0;
    for (int y = 0; y < image.height(); y++) {
      int row = 3 * image.width() * y;
      for (int x = 0; x < width; x++) {
        int[] weights = columns.weights()[x];
        int from = row + 3 * columns.first()[x];
        int red = HALF;
        int green = HALF;
        int blue = HALF;
        for (int weight : weights) {
          red += (in[from] & 0xFF) * weight;
          green += (in[from + 1] & 0xFF) * weight;
          blue += (in[from + 2] & 0xFF) * weight;
          from += 3;
        }
        out[at++] = clip(red);
        out[at++] = clip(green);
        out[at++] = clip(blue);
      }
    }
    return new RgbImage(width, image.height(), out);
  }

  private static RgbImage vertical(RgbImage image, Weights rows) {
    int height = rows.count();
    int stride = 3 * image.width();
    byte[] in = image.rgb();
    byte[] out = new byte[Math.multiplyExact(stride, height)];
    int[] sums = new int[stride];
    for (int y = 0; y < height; y++) {
      Arrays.fill(sums, HALF);
      int from = stride * rows.first()[y];
      for (int weight : rows.weights()[y]) {
        for (int i = 0; i < stride; i++) {
          sums[i] += (in[from + i] & 0xFF) * weight;
        }
        from += stride;
      }
      for (int i = 0; i < stride; i++) {
        out[stride * y + i] = clip(sums[i]);
      }
    }
    return new RgbImage(image.width(), height, out);
  }

  private static byte clip(int fixed) {
    return (byte) Math.max(0, Math.min(255, fixed >> PRECISION_BITS));
  }

  private static RgbImage nearest(RgbImage image, int width, int height) {
    int[] columns = nearestPlaces(image.width(), width);
    int[] rows = nearestPlaces(image.height(), height);
    byte[] out = new byte[Math.multiplyExact(3, Math.multiplyExact(width, height))];
    int at = 0;
    for (int row : rows) {
      for (int column : columns) {
        System.arraycopy(image.rgb(), 3 * (row * image.width() + column), out, at, 3);
        at += 3;
      }
    }
    return new RgbImage(width, height, out);
  }

  /** Source places by repeated addition, as Pillow steps: a product would round elsewhere. */
  private static int[] nearestPlaces(int in, int out) {
    double scale = (double) in / out;
    int[] places = new int[out];
    double place = scale * 0.5;
    for (int i = 0; i < out; i++) {
      places[i] = Math.min(in - 1, (int) place);
      place += scale;
    }
    return places;
  }
}
