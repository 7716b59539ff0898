package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.Serializable;

/**
 * A task's result, or why its input is refused. Refusals travel as values: thrown, Spark would try
 * the same bad input again, four times.
 */
record TaskOutcome<R>(R value, TuneQdmException refusal) implements Serializable {
  static <R> TaskOutcome<R> of(R value) {
    return new TaskOutcome<>(value, null);
  }

  static <R> TaskOutcome<R> refused(TuneQdmException refusal) {
    return new TaskOutcome<>(null, refusal);
  }

  boolean isRefusal() {
    return refusal != null;
  }

  R valueOrThrow() {
    if (refusal != null) {
      throw refusal;
    }
    return value;
  }
}
