package io.github.tuneqdm.spark;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What a training run will do, fixed when it starts: which subjects train together, in which order,
 * with how many threads. It depends on configuration and subjects alone, never on the cluster or on
 * what is already done, so that the same run gives the same bytes wherever and however often it is
 * started.
 *
 * @param runId hash of everything that determines the result
 * @param baseId the quantised base that every subject shares
 * @param batches names of the subjects that train together, in order; none of a large run
 * @param torchThreads of a batch's task on CPU
 * @param table where the batches of a large run are; null of others
 */
public record RunPlan(
    String runId,
    String baseId,
    List<List<String>> batches,
    int torchThreads,
    @JsonInclude(JsonInclude.Include.NON_NULL) Table table)
    implements Serializable {
  static final String TABLE_FILE = "plan.parquet";

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
   * Where the batches of a large run are.
   *
   * @param subjects how many it has
   * @param batches how many
   * @param file beside {@code plan.json}
   */
  record Table(int subjects, int batches, String file) implements Serializable {}

  /**
   * @param baseId id of the quantised base
   * @param modelHash hash of the rest of the base model: VAE, text encoder, tokenizer, scheduler
   * @param subjects in name order
   */
  static RunPlan of(
      TuneQdmConfig config, String baseId, String modelHash, List<SubjectEntry> subjects) {
    RunId id = new RunId(config, baseId, modelHash);
    subjects.forEach(id::add);
    Packer packer = Packer.of(config, subjects.size());
    return new RunPlan(
        id.digits(), baseId, batches(packer, subjects), config.deviceThreads(), null);
  }

  /** The same run in other batches. */
  RunPlan in(Packer packer, List<SubjectEntry> subjects) {
    return new RunPlan(runId, baseId, batches(packer, subjects), torchThreads, table);
  }

  private static List<List<String>> batches(Packer packer, List<SubjectEntry> subjects) {
    List<List<String>> batches = new ArrayList<>();
    for (SubjectEntry subject : subjects) {
      int batch = packer.next(subject.photos().size());
      if (batch == batches.size()) {
        batches.add(new ArrayList<>());
      }
      batches.get(batch).add(subject.name());
    }
    return batches;
  }

  /**
   * A run whose batches lie in a table.
   *
   * @param runId hash of everything that determines the result, its subjects included
   */
  static RunPlan large(
      TuneQdmConfig config, String runId, String baseId, int subjects, int batches) {
    Table table = new Table(subjects, batches, TABLE_FILE);
    return new RunPlan(runId, baseId, List.of(), config.deviceThreads(), table);
  }

  /**
   * The batches with their subjects.
   *
   * @param subjects all of them
   */
  List<Batch> batchesOf(List<SubjectEntry> subjects) {
    Map<String, SubjectEntry> byName =
        subjects.stream().collect(Collectors.toMap(SubjectEntry::name, Function.identity()));
    return IntStream.range(0, batches.size())
        .mapToObj(i -> new Batch(i, batches.get(i).stream().map(byName::get).toList()))
        .toList();
  }

  /** The same without its batches: what a task has to know of the run. */
  RunPlan head() {
    return new RunPlan(runId, baseId, List.of(), torchThreads, table);
  }

  /** Whether its subjects are too many to hold all their names. */
  @JsonIgnore
  boolean isLarge() {
    return table != null;
  }

  /** All subjects, in order; none of a large run. */
  List<String> subjects() {
    return batches.stream().flatMap(List::stream).toList();
  }

  /** How many subjects it has. */
  long size() {
    return isLarge() ? table.subjects() : subjects().size();
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
