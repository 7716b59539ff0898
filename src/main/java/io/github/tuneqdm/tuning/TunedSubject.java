package io.github.tuneqdm.tuning;

import io.github.tuneqdm.models.DeltaScales;
import java.util.List;
import java.util.Optional;

/**
 * What training made of a subject.
 *
 * @param scales empty where training failed, or was stopped before its end
 * @param failure why it failed, in a sentence
 * @param steps as far as it came
 */
public record TunedSubject(
    String name, Optional<DeltaScales> scales, Optional<String> failure, List<StepRecord> steps) {

  /** Whether it came to its end, a good one or a bad one. */
  public boolean isFinished() {
    return scales.isPresent() || failure.isPresent();
  }

  static TunedSubject failed(String name, String why, List<StepRecord> steps) {
    return new TunedSubject(name, Optional.empty(), Optional.of(why), List.copyOf(steps));
  }
}
