package io.github.tuneqdm.storage;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalLong;

/** Finds NaNs and infinities by their bits, without widening a tensor. */
public final class Finiteness {
  private static final int F16_EXPONENT = 0x7c00;
  private static final int BF16_EXPONENT = 0x7f80;
  private static final int F32_EXPONENT = 0x7f800000;
  private static final long F64_EXPONENT = 0x7ff0000000000000L;

  private Finiteness() {}

  /** Index of the first element that is not a finite number; empty for integer tensors. */
  public static OptionalLong firstNonFinite(StoredTensor tensor) {
    DType type = tensor.dtype();
    if (!type.floating()) {
      return OptionalLong.empty();
    }
    ByteBuffer bytes = tensor.bytes().order(ByteOrder.LITTLE_ENDIAN);
    for (int at = bytes.position(), i = 0; at < bytes.limit(); at += type.bytes(), i++) {
      boolean finite =
          switch (type) {
            case F16 -> (bytes.getShort(at) & F16_EXPONENT) != F16_EXPONENT;
            case BF16 -> (bytes.getShort(at) & BF16_EXPONENT) != BF16_EXPONENT;
            case F32 -> (bytes.getInt(at) & F32_EXPONENT) != F32_EXPONENT;
            default -> (bytes.getLong(at) & F64_EXPONENT) != F64_EXPONENT;
          };
      if (!finite) {
        return OptionalLong.of(i);
      }
    }
    return OptionalLong.empty();
  }
}
