package io.github.tuneqdm.spark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.Hashes;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * What a training run will do, fixed when it starts: which subjects train together, in which order,
 * with how many threads. It depends on configuration and subjects alone, never on the cluster or on
 * what is already done, so that the same run gives the same bytes wherever and however often it is
 * started.
 *
 * @param runId hash of everything that determines the result
 * @param baseId the quantised base that every subject shares
 * @param batches names of the subjects that train together, in order
 * @param torchThreads of a batch's task on CPU
 */
public record RunPlan(String runId, String baseId, List<List<String>> batches, int torchThreads)
    implements Serializable {
  private static final int ID_DIGITS = 12;
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /** What changes a trained subject; where things lie and how they are evaluated does not. */
  static final List<String> DETERMINING =
      List.of(
          "tuneqdm.data.resolution",
          "tuneqdm.data.center-crop",
          "tuneqdm.quantizer.",
          "tuneqdm.tuning.",
          "tuneqdm.device.");

  public RunPlan {
    batches = batches.stream().map(List::copyOf).toList();
  }

  /**
   * @param baseId id of the quantised base
   * @param modelHash hash of the rest of the base model: VAE, text encoder, tokenizer, scheduler
   * @param subjects in name order
   */
  static RunPlan of(
      TuneQdmConfig config, String baseId, String modelHash, List<SubjectEntry> subjects) {
    List<List<String>> batches = new ArrayList<>();
    int size = config.tuningSubjectsPerBatch();
    for (int start = 0; start < subjects.size(); start += size) {
      int end = Math.min(subjects.size(), start + size);
      batches.add(subjects.subList(start, end).stream().map(SubjectEntry::name).toList());
    }
    return new RunPlan(
        runId(config, baseId, modelHash, subjects), baseId, batches, config.deviceThreads());
  }

  private static String runId(
      TuneQdmConfig config, String baseId, String modelHash, List<SubjectEntry> subjects) {
    StringBuilder text = new StringBuilder("run 1\n"); // the form of this text
    text.append(config.renderOnly(DETERMINING));
    text.append("base ").append(baseId).append("\nmodel ").append(modelHash).append('\n');
    for (SubjectEntry subject : subjects) {
      text.append("subject ").append(subject.name()).append('\n');
      text.append("class ").append(subject.classNoun()).append('\n');
      text.append("prompt ").append(subject.instancePrompt()).append('\n');
      text.append(subject.overrides());
      subject.photos().forEach(photo -> text.append("photo ").append(photo.sha256()).append('\n'));
    }
    return Hashes.sha256(text.toString()).substring(0, ID_DIGITS);
  }

  /** All subjects, in order. */
  List<String> subjects() {
    return batches.stream().flatMap(List::stream).toList();
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
  static RunPlan fromJson(byte[] json, String where) {
    try {
      return JSON.readValue(json, RunPlan.class);
    } catch (java.io.IOException e) {
      throw TuneQdmException.inputData("Cannot read " + where + ": " + e.getMessage(), e);
    }
  }
}
