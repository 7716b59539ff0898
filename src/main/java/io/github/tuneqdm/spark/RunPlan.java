package io.github.tuneqdm.spark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.Hashes;
import java.io.IOException;
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
          "tuneqdm.data.max-", // which photos are left out
          "tuneqdm.quantizer.",
          "tuneqdm.tuning.",
          "tuneqdm.device.");

  public RunPlan {
    batches = batches == null ? null : batches.stream().map(List::copyOf).toList();
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
    StringBuilder text =
        new StringBuilder("run 2\n"); // the form of this text and of the arithmetic behind a run
    text.append(config.renderOnly(DETERMINING));
    text.append("base ").append(baseId).append("\nmodel ").append(modelHash).append('\n');
    for (SubjectEntry subject : subjects) {
      text.append("subject ").append(subject.name()).append('\n');
      text.append("class ").append(subject.classNoun()).append('\n');
      text.append("prompt ").append(subject.instancePrompt()).append('\n');
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
    RunPlan plan;
    try {
      plan = JSON.readValue(json, RunPlan.class);
    } catch (IOException e) {
      throw notAPlan(where, "", e);
    }
    if (plan == null || plan.runId == null || plan.baseId == null || plan.batches == null) {
      throw notAPlan(where, "", null);
    }
    // Its names become paths, and whoever can write there may have put anything in.
    for (String name : plan.subjects()) {
      if (!SubjectName.isAllowed(name)) {
        throw notAPlan(where, " (\"" + name + "\" cannot be a subject's name)", null);
      }
    }
    if (!SubjectName.isAllowed(plan.baseId)) {
      throw notAPlan(where, " (\"" + plan.baseId + "\" cannot be a base's id)", null);
    }
    return plan;
  }

  private static TuneQdmException notAPlan(String where, String why, Exception cause) {
    return TuneQdmException.inputData(
        "Cannot read " + where + ": it is not the plan of a run" + why, cause);
  }
}
