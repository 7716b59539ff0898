package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.ExitCode;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/** Counts how subjects ended; of a large run it keeps the first names alone. */
final class Tally {
  private static final int MOST_NAMES = 10_000;

  private final TreeSet<String> trained = new TreeSet<>();
  private final TreeSet<String> alreadyDone = new TreeSet<>();
  private final TreeMap<String, String> failures = new TreeMap<>();
  private int trainedCount;
  private int alreadyDoneCount;
  private int failureCount;
  private boolean environment = true;
  private boolean blamesMachines;
  private Optional<ExitCode> firstCause = Optional.empty();

  synchronized void alreadyDone(String name) {
    alreadyDoneCount++;
    if (alreadyDone.size() < MOST_NAMES) {
      alreadyDone.add(name);
    }
  }

  synchronized void add(BatchTask.Outcome outcome) {
    SubjectStatus status = outcome.status();
    if (status.isDone()) {
      trainedCount++;
      if (trained.size() < MOST_NAMES) {
        trained.add(status.subject());
      }
      return;
    }
    failureCount++;
    if (failures.size() < MOST_NAMES) {
      failures.put(status.subject(), status.failure());
    }
    environment &= outcome.cause() == ExitCode.ENVIRONMENT;
    blamesMachines |= outcome.cause() == ExitCode.ENVIRONMENT;
    firstCause = firstCause.or(() -> Optional.of(outcome.cause()));
  }

  boolean hasFailures() {
    return failureCount > 0;
  }

  /** Subjects that are done or failed. */
  synchronized long ended() {
    return trainedCount + alreadyDoneCount + failureCount;
  }

  synchronized Map<String, String> failures() {
    return new TreeMap<>(failures);
  }

  /** Whether a machine failed some subject, so that another call may go on with it. */
  boolean blamesMachines() {
    return blamesMachines;
  }

  /**
   * @param failFast whether the first failure was to end the job
   */
  TrainAllSubjectsJob.Result result(RunPlan plan, RunFolder run, boolean failFast) {
    return new TrainAllSubjectsJob.Result(
        plan.runId(),
        run.root().toString(),
        List.copyOf(trained),
        List.copyOf(alreadyDone),
        Collections.unmodifiableMap(failures),
        new TrainAllSubjectsJob.Counts(trainedCount, alreadyDoneCount, failureCount),
        environment,
        failFast ? firstCause : Optional.empty());
  }
}
