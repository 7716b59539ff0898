package io.github.tuneqdm.storage;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A dense tensor as it lies in a file: little-endian elements in row-major order. Immutable; safe
 * to share between threads.
 */
public interface StoredTensor {

  DType dtype();

  /** Extents, outermost first; empty for a scalar. The array is the caller's own. */
  long[] shape();

  /** Product of the extents: 1 for a scalar, 0 where an extent is 0. */
  long elementCount();

  /** The elements' bytes: a read-only, little-endian view whose position is 0. */
  ByteBuffer bytes();

  /**
   * All elements as float32, widened exactly. Types that can hold more (F64, I32, U32, I64, U64)
   * are read as well as long as every value is a float32.
   *
   * @throws io.github.tuneqdm.error.TuneQdmException (input data) where a value would be rounded
   */
  float[] toFloats();

  /**
   * All elements as float64, widened exactly.
   *
   * @throws io.github.tuneqdm.error.TuneQdmException (input data) where an I64 or U64 value would
   *     be rounded
   */
  double[] toDoubles();

  /**
   * All elements of an integer or BOOL tensor.
   *
   * @throws io.github.tuneqdm.error.TuneQdmException (input data) for floating-point tensors and
   *     for U64 values above 2^63 - 1
   */
  long[] toLongs();

  /** A float32 tensor; no shape means a scalar, here and below. */
  static StoredTensor of(float[] values, long... shape) {
    ByteBuffer buffer =
        ByteBuffer.allocate(Math.multiplyExact(values.length, 4)).order(ByteOrder.LITTLE_ENDIAN);
    buffer.asFloatBuffer().put(values);
    return BufferTensor.of(DType.F32, shape, buffer);
  }

  /** A float64 tensor. */
  static StoredTensor of(double[] values, long... shape) {
    ByteBuffer buffer =
        ByteBuffer.allocate(Math.multiplyExact(values.length, 8)).order(ByteOrder.LITTLE_ENDIAN);
    buffer.asDoubleBuffer().put(values);
    return BufferTensor.of(DType.F64, shape, buffer);
  }

  /** An I64 tensor. */
  static StoredTensor of(long[] values, long... shape) {
    ByteBuffer buffer =
        ByteBuffer.allocate(Math.multiplyExact(values.length, 8)).order(ByteOrder.LITTLE_ENDIAN);
    buffer.asLongBuffer().put(values);
    return BufferTensor.of(DType.I64, shape, buffer);
  }

  /** An I32 tensor. */
  static StoredTensor of(int[] values, long... shape) {
    ByteBuffer buffer =
        ByteBuffer.allocate(Math.multiplyExact(values.length, 4)).order(ByteOrder.LITTLE_ENDIAN);
    buffer.asIntBuffer().put(values);
    return BufferTensor.of(DType.I32, shape, buffer);
  }

  /** A tensor of any type from its little-endian bytes, which are copied. */
  static StoredTensor of(DType dtype, byte[] littleEndian, long... shape) {
    return BufferTensor.of(dtype, shape, ByteBuffer.wrap(littleEndian.clone()));
  }

  /** As {@link #of(DType, byte[], long...)} without a copy: nobody may change the buffer again. */
  static StoredTensor over(DType dtype, ByteBuffer littleEndian, long... shape) {
    return BufferTensor.of(dtype, shape, littleEndian);
  }
}
