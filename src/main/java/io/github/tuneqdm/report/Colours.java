package io.github.tuneqdm.report;

import io.github.tuneqdm.metrics.Methods;
import java.util.List;

/** Colours of methods: the style sheet has eight, and what was tuned always has the same. */
final class Colours {
  private static final int COUNT = 8;
  private static final int TUNED = 2;

  private Colours() {}

  /**
   * A method's colour among those of a page.
   *
   * @param methods in their order
   */
  static int of(String method, List<String> methods) {
    if (method.equals(Methods.TUNED)) {
      return TUNED;
    }
    int place = methods.indexOf(method);
    return place < TUNED ? place : place + 1;
  }

  /** The class that gives a mark its colour. */
  static String style(int colour) {
    return "c" + Math.floorMod(colour, COUNT);
  }

  static String dot(int colour) {
    return "<i class=\"dot " + style(colour) + "\"></i>";
  }
}
