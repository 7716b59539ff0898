package io.github.tuneqdm.tuning;

import io.github.tuneqdm.error.TuneQdmException;
import java.util.Locale;

/** How the learning rate changes over the steps; diffusers' optimization.py. */
public enum LearningRateSchedule {
  CONSTANT,
  CONSTANT_WITH_WARMUP,
  LINEAR,
  COSINE,
  COSINE_WITH_RESTARTS,
  POLYNOMIAL;

  /** Where {@link #POLYNOMIAL} ends. */
  private static final double POLYNOMIAL_END = 1e-7;

  /** Parses the lower-case name with hyphens or underscores. */
  public static LearningRateSchedule parse(String name) {
    try {
      return valueOf(name.toUpperCase(Locale.ROOT).replace('-', '_'));
    } catch (IllegalArgumentException e) {
      throw TuneQdmException.usage(
          "Cannot use tuneqdm.tuning.lr-schedule = "
              + name
              + ": choose constant, constant-with-warmup, linear, cosine, cosine-with-restarts or"
              + " polynomial");
    }
  }

  /**
   * The learning rate of a step.
   *
   * @param base the configured rate
   * @param done optimiser steps taken before this one
   * @param warmup steps of linear warm-up
   * @param total steps in all
   */
  public double rate(double base, int done, int warmup, int total) {
    if (this == CONSTANT) {
      return base;
    }
    if (done < warmup) {
      return base * done / Math.max(1, warmup);
    }
    double progress = (double) (done - warmup) / Math.max(1, total - warmup);
    return switch (this) {
      case CONSTANT, CONSTANT_WITH_WARMUP -> base;
      case LINEAR -> base * Math.max(0, 1 - progress);
      case COSINE -> base * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
      case COSINE_WITH_RESTARTS ->
          progress >= 1 ? 0 : base * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * (progress % 1))));
      case POLYNOMIAL ->
          progress >= 1
              ? POLYNOMIAL_END
              : (base - POLYNOMIAL_END) * (1 - progress) + POLYNOMIAL_END;
    };
  }
}
