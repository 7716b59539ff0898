package io.github.tuneqdm.quant;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.Serializable;

/**
 * How weights become integers.
 *
 * @param bits width of a code, 2 to 8; codes are signed
 * @param symmetric whether all zero-points are 0
 */
public record QuantizerSettings(int bits, boolean symmetric) implements Serializable {
  public QuantizerSettings {
    if (bits < 2 || bits > 8) {
      throw TuneQdmException.usage(
          "Cannot quantise to %d bits: weights take 2 to 8 bits (tuneqdm.quantizer.bits)"
              .formatted(bits));
    }
  }

  /** The least code, {@code -2^(bits-1)}. */
  public int minCode() {
    return -(1 << (bits - 1));
  }

  /** The greatest code, {@code 2^(bits-1) - 1}. */
  public int maxCode() {
    return (1 << (bits - 1)) - 1;
  }
}
