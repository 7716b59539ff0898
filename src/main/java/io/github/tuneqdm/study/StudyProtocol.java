package io.github.tuneqdm.study;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tuneqdm.metrics.EvaluationProtocol;
import io.github.tuneqdm.metrics.LivePrompts;
import io.github.tuneqdm.storage.Hashes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * {@code protocol.json}: everything that fixes a study's table, so that others can make it again.
 *
 * @param product name and version
 * @param evaluation how every picture of every cell was sampled and scored; null where none was
 * @param promptsSha256 of the templates, a line each; those of living subjects after their classes
 * @param seeds of training
 * @param subjects of the table
 * @param score what learning rates were compared by; null where none was chosen
 * @param searchSeed of training in the search
 * @param shared settings that hold where a cell has none of its own
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record StudyProtocol(
    String study,
    String product,
    EvaluationProtocol evaluation,
    String promptsSha256,
    List<Long> seeds,
    List<String> subjects,
    String reference,
    String score,
    Long searchSeed,
    Map<String, String> shared,
    List<CellProtocol> cells) {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .build();

  /**
   * A cell's own settings and where its learning rates come from.
   *
   * @param quantizedBase id of the base that its runs share; null where none came to an end
   * @param learningRates none where nothing is trained or none could be chosen
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record CellProtocol(
      String cell,
      String quantizedBase,
      Map<String, String> settings,
      List<ChosenRate> learningRates) {}

  /**
   * @param subjects that were trained with it
   * @param source in words
   * @param chosenBy the subjects whose scores chose it; none where it was fixed before
   */
  public record ChosenRate(
      double learningRate, List<String> subjects, String source, List<String> chosenBy) {}

  /** The evaluation without the quantised base, which is a cell's own. */
  public static EvaluationProtocol common(EvaluationProtocol evaluation) {
    try {
      JsonNode tree = JSON.readTree(evaluation.toJson());
      ((ObjectNode) tree.get("modelHashes")).remove("base");
      return EvaluationProtocol.fromJson(JSON.writeValueAsBytes(tree), "of the study");
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  public static String sha256(EvaluationProtocol evaluation) {
    List<String> lines = new ArrayList<>(evaluation.prompts().templates());
    LivePrompts live = evaluation.livePrompts();
    if (live != null) {
      lines.add("of " + String.join(", ", live.classes()));
      lines.addAll(live.prompts().templates());
    }
    return Hashes.sha256(String.join("\n", lines) + "\n");
  }

  /** UTF-8 JSON, indented; the same bytes for equal protocols. */
  public byte[] toJson() {
    try {
      return (JSON.writeValueAsString(this) + "\n").getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
