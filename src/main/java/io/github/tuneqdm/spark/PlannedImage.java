package io.github.tuneqdm.spark;

import io.github.tuneqdm.metrics.Methods;
import java.io.Serializable;

/**
 * A picture that an evaluation makes.
 *
 * @param method see {@link Methods}
 * @param promptIndex in the subject's prompts, or {@link #PRIOR}
 * @param prompt it is sampled from
 * @param scoredText what CLIP-T compares it with
 * @param path relative to the run's folder
 */
record PlannedImage(
    String method,
    String subject,
    int promptIndex,
    String prompt,
    String scoredText,
    long seed,
    String path)
    implements Serializable {
  /** The index of what is no prompt of the protocol but the plain class. */
  static final int PRIOR = -1;

  /** Tuned pictures are the run's own; those of baselines lie apart. */
  static String folder(String method, String subject) {
    return method.equals(Methods.TUNED)
        ? "images/" + subject
        : "baselines/" + method.replace(' ', '-') + "/" + subject;
  }

  /** Whether a path of a table is one that {@link #folder} could have begun. */
  static boolean isOwn(String path) {
    return path != null
        && path.matches("(images|baselines)(/[A-Za-z0-9._-]+)+\\.png")
        && !path.contains("..");
  }

  boolean isPrior() {
    return promptIndex == PRIOR;
  }

  boolean isTuned() {
    return method.equals(Methods.TUNED);
  }

  boolean isQuantised() {
    return !method.equals(Methods.UNTUNED);
  }
}
