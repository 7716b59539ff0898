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

  static TunedSubject failed(String name, String why, List<StepRecord> steps) {
    return new TunedSubject(name, Optional.empty(), Optional.of(why), List.copyOf(steps));
  }
}
