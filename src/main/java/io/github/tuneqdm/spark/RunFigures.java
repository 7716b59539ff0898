package io.github.tuneqdm.spark;

import io.github.tuneqdm.metrics.SubjectScores;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** What a run's files say of its subjects beside their scores. */
final class RunFigures {
  private final RunFolder run;
  private final Map<String, TrainingSpeed> speeds = new HashMap<>();
  private final Map<String, Double> withIdentifier = new HashMap<>();

  /** A subject's figures; null where not measured. */
  record OfSubject(
      Integer steps,
      Long trainedParameters,
      Long storedBytes,
      Double clipTWithIdentifier,
      Double stepsPerSecond,
      Long peakBytes) {}

  RunFigures(RunFolder run) {
    this.run = run;
    run.speeds().forEach(speed -> speed.subjects().forEach(name -> speeds.put(name, speed)));
    for (SubjectScores row : SubjectScoreTable.read(run).rows()) {
      withIdentifier.put(key(row.subject(), row.method()), row.clipTWithIdentifier());
    }
  }

  /**
   * @param method that its scores are of
   */
  OfSubject of(String subject, String method) {
    Optional<SubjectStatus> status = run.subjectStatus(subject);
    Optional<TrainingSpeed> speed = Optional.ofNullable(speeds.get(subject));
    return new OfSubject(
        status.map(SubjectStatus::steps).orElse(null),
        status.map(SubjectStatus::trainedParameters).orElse(null),
        status.map(SubjectStatus::storedBytes).orElse(null),
        withIdentifier.get(key(subject, method)),
        speed.map(TrainingSpeed::stepsPerSecond).orElse(null),
        speed.map(TrainingSpeed::peakBytes).orElse(null));
  }

  private static String key(String subject, String method) {
    return subject + "/" + method;
  }
}
