package io.github.tuneqdm.tensor;

import io.github.tuneqdm.error.TuneQdmException;
import java.util.Locale;

/** The type in which weights and activations are kept. Scales and optimiser state stay float32. */
public enum Precision {
  FLOAT32(6, 32),
  FLOAT16(5, 16),
  BFLOAT16(15, 15);

  private final int torchType;
  private final int storage;

  Precision(int torchType, int storage) {
    this.torchType = torchType;
    this.storage = storage;
  }

  /** libtorch's number for the type; DJL has none for bfloat16. */
  int torchType() {
    return torchType;
  }

  /** Bytes of a number. */
  public int bytes() {
    return this == FLOAT32 ? 4 : 2;
  }

  /** What {@code fused.cu} calls the type. */
  int storage() {
    return storage;
  }

  /** Parses {@code float32}, {@code float16} or {@code bfloat16}. */
  public static Precision parse(String name) {
    try {
      return valueOf(name.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw TuneQdmException.usage(
          "Cannot use tuneqdm.device.precision = "
              + name
              + ": choose float32, float16 or bfloat16");
    }
  }
}
