package io.github.tuneqdm.nn;

import io.github.tuneqdm.quant.QuantizedWeight;
import io.github.tuneqdm.storage.TensorSource;

/** Tensors of which some are quantised weights. */
public interface QuantizedSource extends TensorSource {

  /** Whether there are integers behind a tensor. */
  boolean isQuantized(String name);

  /** The integers behind a tensor that {@link #isQuantized}. */
  QuantizedWeight quantized(String name);
}
