package io.github.tuneqdm.spark;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * {@code speed/batch-<i>.json}: how fast a batch was trained, and in how much memory. It differs
 * from machine to machine and from time to time, so it is no result of the run and not in {@code
 * run.json}. After an interruption it tells of the attempt that came to the end.
 *
 * @param subjects that trained together
 * @param steps of each
 * @param seconds from the first of these steps to the last
 * @param stepsPerSecond subject-steps a second
 * @param peakBytes the most that training held of the GPU's memory, seen every few steps, above
 *     what was in use before; absent on a CPU
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record TrainingSpeed(
    List<String> subjects, int steps, double seconds, double stepsPerSecond, Long peakBytes) {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  public TrainingSpeed {
    subjects = subjects == null ? List.of() : List.copyOf(subjects);
  }

  byte[] toJson() {
    try {
      return (JSON.writeValueAsString(this) + "\n").getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * @param where the file, for messages
   */
  static TrainingSpeed fromJson(byte[] json, String where) {
    try {
      TrainingSpeed speed = JSON.readValue(json, TrainingSpeed.class);
      if (speed != null) {
        return speed;
      }
    } catch (IOException e) {
      throw notOne(where, e);
    }
    throw notOne(where, null);
  }

  private static TuneQdmException notOne(String where, Exception cause) {
    return TuneQdmException.inputData(
        "Cannot read " + where + ": it is not a batch's speed (delete the file)", cause);
  }
}
