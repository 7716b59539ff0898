package io.github.tuneqdm.quant;

import io.github.tuneqdm.error.TuneQdmException;

/**
 * Round-to-nearest quantisation of a weight, one scale and one zero-point an output channel, as in
 * TuneQDM's reference implementation. All arithmetic is float32 in the reference's order, so that
 * codes and zero-points agree bit for bit.
 *
 * <pre>
 * asymmetric:  s = max((max w - min w) / (qmax - qmin), 1e-8)    z = qmin - round(min w / s)
 * symmetric:   s = max(max(max |w|, 1e-8) / qmax, 1e-8)          z = 0
 * both:        q = clamp(round(w / s + z), qmin, qmax)           w' = (q - z) s
 * </pre>
 *
 * <p>{@code round} takes halves to the even neighbour, after {@code z} is added. {@code z} is not
 * clamped: a channel's range need not contain 0.
 */
public final class WeightQuantizer {
  private static final float MIN_SCALE = 1e-8f;

  private WeightQuantizer() {}

  /**
   * Quantises one layer's weight.
   *
   * @param layer the layer's name, for messages
   * @param weight row-major values, outermost extent = output channels
   * @param shape (O, I) of a linear layer or (O, I, kH, kW) of a convolution
   * @throws TuneQdmException (input data) naming the layer where a weight is NaN or infinite or a
   *     channel's range exceeds float32
   */
  public static QuantizedWeight quantize(
      String layer, float[] weight, long[] shape, QuantizerSettings settings) {
    QuantizedWeight.checkShape(shape, weight.length);
    int channels = Math.toIntExact(shape[0]);
    int channelSize = weight.length / channels;
    byte[] codes = new byte[weight.length];
    float[] scale = new float[channels];
    float[] zeroPoint = new float[channels];
    int qmin = settings.minCode();
    int qmax = settings.maxCode();
    for (int o = 0; o < channels; o++) {
      int begin = o * channelSize;
      int end = begin + channelSize;
      Range range = Range.of(layer, weight, begin, end);
      float s;
      float z;
      if (settings.symmetric()) {
        float absmax = Math.max(Math.abs(range.min), Math.abs(range.max));
        s = Math.max(Math.max(absmax, MIN_SCALE) / qmax, MIN_SCALE);
        z = 0;
      } else {
        s = Math.max((range.max - range.min) / (qmax - qmin), MIN_SCALE);
        z = qmin - round(range.min / s);
      }
      if (Float.isInfinite(s) || Float.isInfinite(z)) {
        throw TuneQdmException.inputData(
            "Cannot quantise layer '%s': the range of output channel %d, %s to %s, exceeds float32"
                .formatted(layer, o, range.min, range.max));
      }
      scale[o] = s;
      zeroPoint[o] = z;
      for (int i = begin; i < end; i++) {
        codes[i] = (byte) Math.max(qmin, Math.min(qmax, round(weight[i] / s + z)));
      }
    }
    return new QuantizedWeight(settings, shape, codes, scale, zeroPoint);
  }

  /** As {@link #quantize(String, float[], long[], QuantizerSettings)} for a weight of no name. */
  public static QuantizedWeight quantize(float[] weight, long[] shape, QuantizerSettings settings) {
    return quantize("(unnamed)", weight, shape, settings);
  }

  /** Half to even; exact, since every float is a double and every rounded float a float. */
  private static float round(float value) {
    return (float) Math.rint(value);
  }

  private record Range(float min, float max) {
    static Range of(String layer, float[] weight, int begin, int end) {
      float min = Float.POSITIVE_INFINITY;
      float max = Float.NEGATIVE_INFINITY;
      for (int i = begin; i < end; i++) {
        float w = weight[i];
        if (!Float.isFinite(w)) {
          throw TuneQdmException.inputData(
              "Cannot quantise layer '%s': weight %d is %s".formatted(layer, i, w));
        }
        min = Math.min(min, w);
        max = Math.max(max, w);
      }
      return new Range(min, max);
    }
  }
}
