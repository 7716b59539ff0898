package io.github.tuneqdm.quant;

import java.util.Arrays;

/**
 * Signed codes in as few bytes as their width allows. For 2 and 4 bits, k = 8 / bits codes share a
 * byte, low bits first, each stored as {@code code + 2^(bits-1)}; the last byte is filled with zero
 * bits. Other widths take one byte a code, unchanged.
 *
 * @param bits width of a code, 2 to 8
 * @param count number of codes
 * @param bytes the packed codes; shared, not copied
 */
public record PackedTensor(int bits, int count, byte[] bytes) {

  public PackedTensor {
    if (bits < 2 || bits > 8) {
      throw new IllegalArgumentException("Codes take 2 to 8 bits, not " + bits);
    }
    if (count < 0 || bytes.length != packedLength(bits, count)) {
      throw new IllegalArgumentException(
          "%d codes of %d bits do not take %d bytes".formatted(count, bits, bytes.length));
    }
  }

  /** Bytes that {@code count} codes take. */
  public static int packedLength(int bits, int count) {
    int perByte = codesPerByte(bits);
    return (int) (((long) count + perByte - 1) / perByte);
  }

  private static int codesPerByte(int bits) {
    return bits == 2 || bits == 4 ? 8 / bits : 1;
  }

  /** Packs codes in {@code -2^(bits-1) .. 2^(bits-1)-1}. */
  public static PackedTensor pack(byte[] codes, int bits) {
    int perByte = codesPerByte(bits);
    if (perByte == 1) {
      return new PackedTensor(bits, codes.length, codes);
    }
    int offset = 1 << (bits - 1);
    byte[] packed = new byte[packedLength(bits, codes.length)];
    for (int at = 0, i = 0; at < packed.length; at++) {
      int together = 0;
      for (int shift = 0; shift < 8 && i < codes.length; shift += bits, i++) {
        int unsigned = codes[i] + offset;
        if (unsigned >>> bits != 0) {
          throw new IllegalArgumentException(
              "Code %d does not fit %d bits".formatted(codes[i], bits));
        }
        together |= unsigned << shift;
      }
      packed[at] = (byte) together;
    }
    return new PackedTensor(bits, codes.length, packed);
  }

  /** The codes, one a byte. */
  public byte[] unpack() {
    int perByte = codesPerByte(bits);
    if (perByte == 1) {
      return bytes.clone();
    }
    int offset = 1 << (bits - 1);
    int mask = (1 << bits) - 1;
    byte[] codes = new byte[count];
    for (int at = 0, i = 0; at < bytes.length; at++) {
      int together = bytes[at];
      for (int shift = 0; shift < 8 && i < count; shift += bits, i++) {
        codes[i] = (byte) ((together >> shift & mask) - offset);
      }
    }
    return codes;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PackedTensor that
        && bits == that.bits
        && count == that.count
        && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return 31 * bits + Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return "PackedTensor[%d codes of %d bits]".formatted(count, bits);
  }
}
