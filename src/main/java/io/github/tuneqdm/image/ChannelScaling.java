package io.github.tuneqdm.image;

/**
 * Bytes to what a network takes: {@code (scale * v - mean_c) / std_c}, channels first.
 *
 * @param scale 1/255 as a rule
 * @param mean per channel (3)
 * @param std per channel (3), not zero
 */
record ChannelScaling(double scale, double[] mean, double[] std) {
  static final double UNIT = 1.0 / 255;

  /** The picture as float32 (3, H, W). */
  float[] apply(RgbImage image) {
    int pixels = image.width() * image.height();
    byte[] rgb = image.rgb();
    float[] values = new float[3 * pixels];
    for (int channel = 0; channel < 3; channel++) {
      float[] table = table(channel);
      for (int i = 0; i < pixels; i++) {
        values[channel * pixels + i] = table[rgb[3 * i + channel] & 0xFF];
      }
    }
    return values;
  }

  private float[] table(int channel) {
    float[] table = new float[256];
    for (int v = 0; v < 256; v++) {
      float unit = (float) (v * scale);
      table[v] = (unit - (float) mean[channel]) / (float) std[channel];
    }
    return table;
  }
}
