package io.github.tuneqdm.spark;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.ParquetTable;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What a run's files say of its subjects beside their scores. */
final class RunFigures {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SPEED = "speed";
  private static final String TOGETHER = "subject-scores.parquet";
  private static final ParquetTable<Together> SCORES = ParquetTable.of(Together.class);

  private final RunFolder run;
  private final Map<String, Speed> speeds = new HashMap<>();
  private final Map<String, Double> withIdentifier = new HashMap<>();

  /** What is wanted of a subject's status. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  private record Status(Integer steps, Long trainedParameters) {}

  /** What is wanted of a batch's speed. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  private record Speed(List<String> subjects, Double stepsPerSecond, Long peakBytes) {}

  /** What is wanted of the scores of a subject's pictures together. */
  private record Together(String subject, String method, Double clipTWithIdentifier) {}

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
    for (String file : run.list(SPEED)) {
      Speed speed = json(file, Speed.class);
      if (speed.subjects() != null) {
        speed.subjects().forEach(name -> speeds.put(name, speed));
      }
    }
    if (run.exists(TOGETHER)) {
      for (Together row : SCORES.read(run.fileSystem(), run.path(TOGETHER))) {
        withIdentifier.put(key(row.subject(), row.method()), row.clipTWithIdentifier());
      }
    }
  }

  /**
   * @param method that its scores are of
   */
  OfSubject of(String subject, String method) {
    Status status = json("subjects/" + subject + "/status.json", Status.class);
    Speed speed = speeds.getOrDefault(subject, new Speed(List.of(), null, null));
    return new OfSubject(
        status.steps(),
        status.trainedParameters(),
        storedBytes(subject),
        withIdentifier.get(key(subject, method)),
        speed.stepsPerSecond(),
        speed.peakBytes());
  }

  private static String key(String subject, String method) {
    return subject + "/" + method;
  }

  private long storedBytes(String subject) {
    try {
      return run.fileSystem().getFileStatus(run.deltas(subject)).getLen();
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot read " + run.deltas(subject) + ": " + e, e);
    }
  }

  private <T> T json(String file, Class<T> type) {
    try {
      T content = JSON.readValue(run.read(file), type);
      if (content != null) {
        return content;
      }
    } catch (IOException e) {
      throw unreadable(file, e);
    }
    throw unreadable(file, null);
  }

  private TuneQdmException unreadable(String file, Exception cause) {
    return TuneQdmException.inputData(
        "Cannot read " + run.path(file) + ": it does not say what it should (delete it)", cause);
  }
}
