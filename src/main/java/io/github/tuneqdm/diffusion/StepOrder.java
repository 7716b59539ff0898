package io.github.tuneqdm.diffusion;

/** Holds a multistep solver to taking its steps in order, once each. */
final class StepOrder {
  private final int count;
  private int next;

  StepOrder(int count) {
    this.count = count;
  }

  void take(int i) {
    if (i != next || i >= count) {
      throw new IllegalStateException(
          "step " + i + " taken where " + next + " of " + count + " is due");
    }
    next++;
  }
}
