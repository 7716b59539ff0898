package io.github.tuneqdm.tuning;

import java.util.List;
import java.util.Optional;

/**
 * A training whose numbers left the finite ones.
 *
 * @param why in a sentence, with what would help
 * @param before the steps that were still sound
 */
record Divergence(String why, List<StepRecord> before) {

  /**
   * @param finite whether what was trained holds numbers alone
   * @param what it is called, such as {@code scale}
   */
  static Optional<Divergence> of(
      Subject subject, List<StepRecord> steps, boolean finite, String what) {
    Optional<StepRecord> bad = steps.stream().filter(step -> !step.isFinite()).findFirst();
    if (bad.isPresent()) {
      int step = bad.get().step();
      String why = "training diverged: the loss is not a finite number at step " + step;
      return Optional.of(new Divergence(why + mend(subject), steps.subList(0, step - 1)));
    }
    if (!finite) {
      String why = "training diverged: a " + what + " is not a finite number";
      return Optional.of(new Divergence(why + mend(subject), steps));
    }
    return Optional.empty();
  }

  private static String mend(Subject subject) {
    return subject.overrides().values().containsKey(SubjectOverrides.Key.LEARNING_RATE)
        ? " (lower its learning-rate in subjects.csv)"
        : " (lower tuneqdm.tuning.learning-rate)";
  }
}
