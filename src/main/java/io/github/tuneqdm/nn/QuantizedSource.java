package io.github.tuneqdm.nn;

import io.github.tuneqdm.quant.QuantizedWeight;
import io.github.tuneqdm.storage.TensorSource;
import java.util.Optional;

/** Tensors of which some are quantised weights. */
public interface QuantizedSource extends TensorSource {

  /** The integers behind a tensor, or nothing for plain floats. */
  Optional<QuantizedWeight> quantized(String name);
}
