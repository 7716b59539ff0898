package io.github.tuneqdm.models;

import ai.djl.ndarray.NDArray;

/** Sees the results of named inner modules during a forward pass, for parity work. */
@FunctionalInterface
public interface Tap {
  Tap NONE = (name, value) -> {};

  void show(String module, NDArray value);
}
