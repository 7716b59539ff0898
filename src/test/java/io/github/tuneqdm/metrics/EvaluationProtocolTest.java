package io.github.tuneqdm.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.TuneQdmException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EvaluationProtocolTest {
  private final EvaluationProtocol protocol =
      new EvaluationProtocol(
          new PromptSet(List.of("a {0} {1}", "a red {0} {1}")),
          TokenRule.SCORE_WITHOUT_IDENTIFIER,
          4,
          "ddim",
          25,
          5.0,
          1000,
          Map.of("dino", "bicubic 256, centre crop 224", "clip", "bicubic 224"),
          Map.of("dino", "d1", "clip", "c1", "base", "b1"),
          null);

  @Test
  void isTheSameAfterJson() {
    byte[] json = protocol.toJson();
    EvaluationProtocol read = EvaluationProtocol.fromJson(json, "protocol.json");
    assertThat(read).isEqualTo(protocol);
    assertThat(read.toJson()).isEqualTo(json);
    assertThat(new String(json, StandardCharsets.UTF_8))
        .contains("\"prompts\" : [ \"a {0} {1}\", \"a red {0} {1}\" ]")
        .contains("\"tokenRule\" : \"sample with identifier, score CLIP-T without\"");
  }

  @Test
  void liveSubjectsHavePromptsOfTheirOwn() {
    PromptSet hats = new PromptSet(List.of("a {0} {1} in a hat"));
    EvaluationProtocol split =
        new EvaluationProtocol(
            protocol.prompts(),
            protocol.tokenRule(),
            4,
            "ddim",
            25,
            5.0,
            1000,
            Map.of(),
            Map.of(),
            new LivePrompts(List.of("cat", "Dog"), hats));

    assertThat(split.promptsOf("dog")).isEqualTo(hats);
    assertThat(split.promptsOf("hot dog")).isEqualTo(protocol.prompts());
    assertThat(split.imagesPerSubject("cat")).isEqualTo(4);
    byte[] json = split.toJson();
    assertThat(EvaluationProtocol.fromJson(json, "protocol.json")).isEqualTo(split);
    assertThat(json).isNotEqualTo(protocol.toJson());
  }

  @Test
  void givesEachPromptSeedsOfItsOwn() {
    assertThat(protocol.seed(0, 0)).isEqualTo(1000);
    assertThat(protocol.seed(0, 3)).isEqualTo(1003);
    assertThat(protocol.seed(1, 0)).isEqualTo(1004);
    assertThat(protocol.imagesPerSubject("dog")).isEqualTo(8);
  }

  @Test
  void scoresAgainstTextWithoutTheIdentifier() {
    assertThat(protocol.tokenRule().scoredTexts(protocol.prompts(), "sks", "mug"))
        .containsExactly("a mug", "a red mug");
    assertThat(TokenRule.SCORE_WITH_IDENTIFIER.scoredTexts(protocol.prompts(), "sks", "mug"))
        .containsExactly("a sks mug", "a red sks mug");
  }

  @Test
  void refusesDamagedJsonByName() {
    String json = new String(protocol.toJson(), StandardCharsets.UTF_8);
    for (String bad :
        List.of(
            "",
            "null",
            "{",
            json.replace("\"steps\"", "\"stepz\""),
            json.replace("{1}", ""),
            json.replace(": 25", ": 0"),
            json.replace("without", "sometimes"))) {
      assertThatThrownBy(
              () ->
                  EvaluationProtocol.fromJson(
                      bad.getBytes(StandardCharsets.UTF_8), "runs/r1/protocol.json"))
          .isInstanceOf(TuneQdmException.class)
          .hasMessageStartingWith("Cannot read protocol runs/r1/protocol.json: ");
    }
  }
}
