package io.github.tuneqdm.spark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.tuning.SubjectOverrides;
import java.util.Arrays;

/**
 * A row of {@code plan.parquet}: a subject of a large run as it was when the run was planned.
 *
 * @param batch the batch it trains in
 * @param overrides as {@link SubjectOverrides#toString} has them
 * @param photos a JSON array of paths and hashes
 */
record PlannedSubject(
    int batch,
    String name,
    String classNoun,
    String identifier,
    String instancePrompt,
    String overrides,
    String photos) {
  private static final ObjectMapper JSON = new ObjectMapper();

  static PlannedSubject of(int batch, SubjectEntry subject) {
    try {
      return new PlannedSubject(
          batch,
          subject.name(),
          subject.classNoun(),
          subject.identifier(),
          subject.instancePrompt(),
          subject.overrides().toString(),
          JSON.writeValueAsString(subject.photos()));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  SubjectEntry entry() {
    try {
      return new SubjectEntry(
          name,
          classNoun,
          identifier,
          instancePrompt,
          Arrays.asList(JSON.readValue(photos, SubjectEntry.Photo[].class)),
          SubjectOverrides.parse(overrides));
    } catch (JsonProcessingException e) {
      throw TuneQdmException.inputData(
          "Cannot read plan.parquet: the photos of " + name + " are no list", e);
    }
  }
}
