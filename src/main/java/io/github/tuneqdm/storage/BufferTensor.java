package io.github.tuneqdm.storage;

import io.github.tuneqdm.error.TuneQdmException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** A tensor over one buffer, on the heap or mapped from a file. */
final class BufferTensor implements StoredTensor {
  private final String origin;
  private final DType dtype;
  private final long[] shape;
  private final ByteBuffer buffer;

  private BufferTensor(String origin, DType dtype, long[] shape, ByteBuffer buffer) {
    this.origin = origin;
    this.dtype = dtype;
    this.shape = shape;
    this.buffer = buffer;
  }

  /** A tensor made in memory; a shape that does not fit the bytes is a programming error. */
  static BufferTensor of(DType dtype, long[] shape, ByteBuffer buffer) {
    long expected = Math.multiplyExact(Shapes.elementCount(shape), (long) dtype.bytes());
    if (expected != buffer.remaining()) {
      throw new IllegalArgumentException(
          "Shape %s of %s takes %d bytes, not %d"
              .formatted(Arrays.toString(shape), dtype, expected, buffer.remaining()));
    }
    return new BufferTensor("in memory", dtype, shape.clone(), buffer);
  }

  /**
   * A tensor read from somewhere; the reader has already checked shape against size.
   *
   * @param origin where it came from, for messages: {@code "tensor 'x' of file.safetensors"}
   */
  static BufferTensor read(String origin, DType dtype, long[] shape, ByteBuffer buffer) {
    return new BufferTensor(origin, dtype, shape.clone(), buffer);
  }

  @Override
  public DType dtype() {
    return dtype;
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  @Override
  public long elementCount() {
    return Shapes.elementCount(shape);
  }

  @Override
  public ByteBuffer bytes() {
    return buffer
        .asReadOnlyBuffer()
        .order(ByteOrder.LITTLE_ENDIAN)
        .slice()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public float[] toFloats() {
    ByteBuffer in = bytes();
    float[] out = new float[arrayLength()];
    switch (dtype) {
      case F32 -> in.asFloatBuffer().get(out);
      case F16 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = HalfPrecision.fromHalf(in.getShort(2 * i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = HalfPrecision.fromBfloat16(in.getShort(2 * i));
        }
      }
      case F64 -> {
        for (int i = 0; i < out.length; i++) {
          double value = in.getDouble(8 * i);
          out[i] = (float) value;
          if (out[i] != value && !Double.isNaN(value)) {
            throw inexact("float32", value);
          }
        }
      }
      default -> {
        long[] values = toLongs();
        for (int i = 0; i < out.length; i++) {
          out[i] = values[i];
          // The casts saturate, so 2^63 must be told from 2^63 - 1 by range as well.
          if ((long) out[i] != values[i] || out[i] == 0x1p63f) {
            throw inexact("float32", values[i]);
          }
        }
      }
    }
    return out;
  }

  @Override
  public double[] toDoubles() {
    ByteBuffer in = bytes();
    double[] out = new double[arrayLength()];
    if (dtype == DType.F64) {
      in.asDoubleBuffer().get(out);
    } else if (dtype.floating()) {
      float[] values = toFloats();
      for (int i = 0; i < out.length; i++) {
        out[i] = values[i];
      }
    } else {
      long[] values = toLongs();
      for (int i = 0; i < out.length; i++) {
        out[i] = values[i];
        if ((long) out[i] != values[i] || out[i] == 0x1p63) {
          throw inexact("float64", values[i]);
        }
      }
    }
    return out;
  }

  @Override
  public long[] toLongs() {
    ByteBuffer in = bytes();
    long[] out = new long[arrayLength()];
    for (int i = 0; i < out.length; i++) {
      out[i] =
          switch (dtype) {
            case I64 -> in.getLong(8 * i);
            case U64 -> unsignedLong(in.getLong(8 * i));
            case I32 -> in.getInt(4 * i);
            case U32 -> Integer.toUnsignedLong(in.getInt(4 * i));
            case I16 -> in.getShort(2 * i);
            case U16 -> Short.toUnsignedLong(in.getShort(2 * i));
            case I8 -> in.get(i);
            case U8 -> Byte.toUnsignedLong(in.get(i));
            case BOOL -> in.get(i) == 0 ? 0 : 1;
            case F64, F32, F16, BF16 ->
                throw TuneQdmException.inputData(
                    "Cannot read %s as integers: its type is %s".formatted(origin, dtype));
          };
    }
    return out;
  }

  private long unsignedLong(long bits) {
    if (bits < 0) {
      throw inexact("int64", Long.toUnsignedString(bits));
    }
    return bits;
  }

  private int arrayLength() {
    long count = elementCount();
    if (count > Integer.MAX_VALUE - 8) {
      throw TuneQdmException.inputData(
          "Cannot read %s: %d elements do not fit one array".formatted(origin, count));
    }
    return (int) count;
  }

  private TuneQdmException inexact(String type, Object value) {
    return TuneQdmException.inputData(
        "Cannot read %s as %s: its %s value %s would be rounded"
            .formatted(origin, type, dtype, value));
  }

  @Override
  public String toString() {
    return dtype + Arrays.toString(shape);
  }
}
