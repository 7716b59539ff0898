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

  /** What {@link #folder} begins with. */
  static final String[] FOLDERS = {"images", "baselines"};

  /** What a picture is sampled with. */
  enum Network {
    /** The float base as it is. */
    BASE,
    /** The quantised base, as it is or with subjects' scales; they may mix in a batch. */
    SCALES,
    /** A float network of the subject's own. */
    WEIGHTS
  }

  /** Tuned pictures are the run's own; those of baselines lie apart. */
  static String folder(String method, String subject) {
    return Methods.isBaseline(method)
        ? "baselines/" + method.replace(' ', '-') + "/" + subject
        : "images/" + subject;
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
    return !Methods.isBaseline(method);
  }

  /** Whether it comes from a network whose weights began as the quantised base's. */
  boolean isQuantised() {
    return network() == Network.SCALES || method.startsWith(Methods.QLORA);
  }

  Network network() {
    return network(method);
  }

  static Network network(String method) {
    return switch (method) {
      case Methods.UNTUNED -> Network.BASE;
      case Methods.QUANTISED_UNTUNED, Methods.PEQA, Methods.TUNED -> Network.SCALES;
      default -> Network.WEIGHTS;
    };
  }
}
