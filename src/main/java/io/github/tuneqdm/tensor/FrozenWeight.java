package io.github.tuneqdm.tensor;

import ai.djl.ndarray.NDArray;
import java.util.function.Function;

/** The frozen weight W0 of a layer, as it lies on the device. */
public interface FrozenWeight {

  /** Lends the weight to {@code work}, in the precision of activations. */
  <T> T use(TokenOps ops, Function<NDArray, T> work);

  /** A weight kept ready. */
  record Resident(NDArray tensor) implements FrozenWeight {
    @Override
    public <T> T use(TokenOps ops, Function<NDArray, T> work) {
      return work.apply(tensor);
    }
  }

  /**
   * Integers that are unpacked for each use: {@code scale * (code - zeroPoint)}.
   *
   * @param codes uint8; of 2 and 4 bits, 8 / bits a byte, low bits first, each code plus {@code
   *     2^(bits-1)}; else one a byte, two's complement. In row order of {@code stored}
   * @param scale (O) float32
   * @param zeroPoint (O) float32
   * @param shape (O, I) or (O, I, kH, kW); a convolution's codes are stored as (O, kH, kW, I)
   */
  record Packed(NDArray codes, int bits, NDArray scale, NDArray zeroPoint, long[] shape)
      implements FrozenWeight {
    @Override
    public <T> T use(TokenOps ops, Function<NDArray, T> work) {
      try (NDArray weight = ops.unpack(this)) {
        return work.apply(weight);
      }
    }

    boolean ofConvolution() {
      return shape.length == 4;
    }

    /** The order of the codes. */
    long[] stored() {
      return ofConvolution() ? new long[] {shape[0], shape[2], shape[3], shape[1]} : shape;
    }
  }
}
