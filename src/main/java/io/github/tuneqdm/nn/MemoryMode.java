package io.github.tuneqdm.nn;

import java.util.Locale;

/** How a quantised network lies in device memory. */
public enum MemoryMode {
  /** Weights dequantised once; a training step keeps all activations that its way back needs. */
  RESIDENT,
  /**
   * Weights unpacked for each use; a training step keeps blocks' inputs and computes the rest
   * again.
   */
  PACKED;

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
