package io.github.tuneqdm.nn;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.quant.PackedTensor;
import io.github.tuneqdm.quant.QuantizedWeight;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.FrozenWeight;
import java.nio.ByteBuffer;

/** Brings integers to the device as they are. */
final class PackedWeights {
  private PackedWeights() {}

  /**
   * @param shape the weight's, but for dimensions of one
   */
  static FrozenWeight.Packed upload(NDManager owner, QuantizedWeight weight, long... shape) {
    byte[] codes = shape.length == 4 ? channelsLast(weight.codes(), shape) : weight.codes();
    byte[] bytes = PackedTensor.pack(codes, weight.bits()).bytes();
    return new FrozenWeight.Packed(
        owner.create(ByteBuffer.wrap(bytes), new Shape(bytes.length), DataType.UINT8),
        weight.bits(),
        Compute.floats(owner, weight.scale(), shape[0]),
        Compute.floats(owner, weight.zeroPoint(), shape[0]),
        shape);
  }

  /** (O, I, kH, kW) to (O, kH, kW, I). */
  private static byte[] channelsLast(byte[] codes, long[] shape) {
    int in = (int) shape[1];
    int pixels = (int) (shape[2] * shape[3]);
    int each = in * pixels;
    byte[] out = new byte[codes.length];
    for (int o = 0; o < codes.length; o += each) {
      for (int i = 0; i < in; i++) {
        for (int k = 0; k < pixels; k++) {
          out[o + k * in + i] = codes[o + i * pixels + k];
        }
      }
    }
    return out;
  }
}
