package io.github.tuneqdm.tensor;

import ai.djl.ndarray.types.DataType;
import io.github.tuneqdm.error.TuneQdmException;
import java.util.Locale;

/** The type in which weights and activations are kept. Scales and optimiser state stay float32. */
public enum Precision {
  FLOAT32(DataType.FLOAT32),
  FLOAT16(DataType.FLOAT16);

  private final DataType dataType;

  Precision(DataType dataType) {
    this.dataType = dataType;
  }

  public DataType dataType() {
    return dataType;
  }

  /** Parses {@code float32} or {@code float16}. */
  public static Precision parse(String name) {
    try {
      return valueOf(name.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw TuneQdmException.usage(
          "Cannot use tuneqdm.device.precision = " + name + ": choose float32 or float16");
    }
  }
}
