package io.github.tuneqdm.quant;

import io.github.tuneqdm.storage.DType;
import io.github.tuneqdm.storage.StoredTensor;
import java.util.Arrays;

/**
 * A quantised weight: {@code w' = (code - zeroPoint[o]) * scale[o]} for each output channel o. The
 * arrays are shared, not copied: treat them as read-only.
 *
 * @param settings bit-width and symmetry
 * @param shape (O, I) or (O, I, kH, kW)
 * @param codes row-major, one code a byte, each in {@code minCode..maxCode}
 * @param scale (O), positive
 * @param zeroPoint (O), whole numbers; all 0 where symmetric
 */
public record QuantizedWeight(
    QuantizerSettings settings, long[] shape, byte[] codes, float[] scale, float[] zeroPoint) {

  public QuantizedWeight {
    checkShape(shape, codes.length);
    if (scale.length != shape[0] || zeroPoint.length != shape[0]) {
      throw new IllegalArgumentException(
          "%d scales and %d zero-points do not fit %d output channels"
              .formatted(scale.length, zeroPoint.length, shape[0]));
    }
  }

  static void checkShape(long[] shape, int elements) {
    long product = 1;
    for (long extent : shape) {
      if (extent < 1 || extent > Integer.MAX_VALUE) {
        throw new IllegalArgumentException("Bad weight shape " + Arrays.toString(shape));
      }
      product = Math.multiplyExact(product, extent);
    }
    if ((shape.length != 2 && shape.length != 4) || product != elements) {
      throw new IllegalArgumentException(
          "Shape %s does not fit %d weights of a linear or conv2d layer"
              .formatted(Arrays.toString(shape), elements));
    }
  }

  public int bits() {
    return settings.bits();
  }

  public boolean symmetric() {
    return settings.symmetric();
  }

  public LayerKind kind() {
    return LayerKind.ofRank(shape.length);
  }

  public int outChannels() {
    return scale.length;
  }

  /** Extent of the input channels, the second of the shape. */
  public int inChannels() {
    return (int) shape[1];
  }

  /** The weights the integers stand for, float32, row-major. */
  public float[] dequantize() {
    float[] weight = new float[codes.length];
    int channelSize = codes.length / scale.length;
    for (int o = 0, i = 0; o < scale.length; o++) {
      float s = scale[o];
      float z = zeroPoint[o];
      for (int end = i + channelSize; i < end; i++) {
        weight[i] = (codes[i] - z) * s;
      }
    }
    return weight;
  }

  /** The codes, 8 / bits of them a byte where that divides. */
  public PackedTensor packed() {
    return PackedTensor.pack(codes, bits());
  }

  /** The codes as an I8 tensor of this shape. */
  public StoredTensor codeTensor() {
    return StoredTensor.of(DType.I8, codes, shape);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof QuantizedWeight that
        && settings.equals(that.settings)
        && Arrays.equals(shape, that.shape)
        && Arrays.equals(codes, that.codes)
        && Arrays.equals(scale, that.scale)
        && Arrays.equals(zeroPoint, that.zeroPoint);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(codes) * 31 + Arrays.hashCode(scale);
  }

  @Override
  public String toString() {
    return "QuantizedWeight[%s, %s]".formatted(settings, Arrays.toString(shape));
  }
}
