package io.github.tuneqdm.tensor;

import ai.djl.engine.EngineException;

/** Tells a full GPU from other failures. */
public final class OutOfMemory {
  private OutOfMemory() {}

  public static boolean is(EngineException e) {
    return String.valueOf(e.getMessage()).contains("out of memory");
  }
}
