package io.github.tuneqdm.spark;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.github.tuneqdm.error.Printable;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.tuning.StepRecord;
import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * {@code status.json}: the last file of a subject to be published. While it is not there, or says
 * failed, the subject is still to be trained; where it diverged, it would do so again.
 *
 * @param failure why it failed; absent where it is done
 * @param diverged true where its own training is why; absent elsewhere
 * @param steps taken; absent where it failed
 * @param finalLoss of the last step; absent where it failed or there was none
 * @param deltasSha256 of {@code deltas.safetensors}; absent where it failed
 * @param trainedParameters how many numbers were trained; absent where it failed
 * @param storedBytes of {@code deltas.safetensors}; absent where it failed
 * @param rejects photos that it was trained without; absent where all were used
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record SubjectStatus(
    String subject,
    State state,
    String failure,
    Boolean diverged,
    Integer steps,
    Double finalLoss,
    String deltasSha256,
    Long trainedParameters,
    Long storedBytes,
    List<RejectedPhoto> rejects)
    implements Serializable {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /** How training ended. */
  public enum State {
    DONE,
    FAILED
  }

  public SubjectStatus {
    failure = failure == null ? null : Printable.of(failure);
    rejects = rejects == null ? List.of() : List.copyOf(rejects);
  }

  /**
   * @param deltasSha256 of what is published
   * @param storedBytes its length
   */
  static SubjectStatus done(TrainedSubject subject, String deltasSha256, long storedBytes) {
    List<StepRecord> steps = subject.steps();
    StepRecord last = steps.isEmpty() ? null : steps.get(steps.size() - 1);
    return new SubjectStatus(
        subject.name(),
        State.DONE,
        null,
        null,
        last == null ? 0 : last.step(),
        last == null ? null : last.loss(),
        deltasSha256,
        subject.trainedParameters(),
        storedBytes,
        subject.rejects());
  }

  static SubjectStatus failed(String subject, String failure) {
    return failed(subject, failure, null);
  }

  /** Of a subject whose loss or scales were no numbers any more. */
  static SubjectStatus diverged(String subject, String failure) {
    return failed(subject, failure, true);
  }

  private static SubjectStatus failed(String subject, String failure, Boolean diverged) {
    return new SubjectStatus(
        subject, State.FAILED, failure, diverged, null, null, null, null, null, List.of());
  }

  @JsonIgnore
  public boolean isDone() {
    return state == State.DONE;
  }

  /** Whether another attempt of the same run cannot end otherwise. */
  boolean hasDiverged() {
    return !isDone() && Boolean.TRUE.equals(diverged);
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
  static SubjectStatus fromJson(byte[] json, String where) {
    try {
      SubjectStatus status = JSON.readValue(json, SubjectStatus.class);
      if (status == null || status.state == null || status.subject == null) {
        throw TuneQdmException.inputData("Cannot read " + where + ": subject or state is missing");
      }
      return status;
    } catch (IOException e) {
      throw TuneQdmException.inputData(
          "Cannot read " + where + ": it is not a subject's status (delete it and train again)", e);
    }
  }
}
