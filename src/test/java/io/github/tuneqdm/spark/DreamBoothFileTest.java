package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DreamBoothFileTest {
  static final String FORM =
      """
      Classes

      subject_name,class
      ball1,toy ball
      mug1,mug

      Prompts

      Object Prompts

      prompt_list = [
      'a {0} {1} in the jungle'.format(unique_token, class_token),
      'a cube shaped {0} {1}'.format(unique_token, class_token)
      ]

      Live Subject Prompts

      prompt_list = [
      'a {0} {1} in the jungle'.format(unique_token, class_token),
      'a {0} {1} wearing a red hat'.format(unique_token, class_token)
      ]
      """;

  @Test
  void classesAndBothListsAreRead() {
    DreamBoothFile file = DreamBoothFile.parse(FORM, "f");

    assertThat(file.classes()).hasSize(2).containsEntry("ball1", "toy ball");
    assertThat(file.objects().orElseThrow().templates())
        .containsExactly("a {0} {1} in the jungle", "a cube shaped {0} {1}");
    assertThat(file.live().orElseThrow().templates())
        .containsExactly("a {0} {1} in the jungle", "a {0} {1} wearing a red hat");
  }

  @Test
  void whatEditorsMakeOfTheFormIsReadToo() {
    String edited =
        "\uFEFF"
            + FORM.replace("subject_name,class\n", "-----\nsubject_name , class\n-----\n")
                .replace("\nPrompts", "-----\nPrompts")
                .replace("'.format(unique_token, class_token),", "\",")
                .replace("'a {0} {1} in", "  # the first\n\"a {0} {1} in")
                .replace("\n", "\r\n");

    assertThat(DreamBoothFile.parse(edited, "f")).isEqualTo(DreamBoothFile.parse(FORM, "f"));
  }

  @Test
  void aTableAloneIsEnough() {
    DreamBoothFile file = DreamBoothFile.parse("subject_name,class\na,b", "f");

    assertThat(file.classes()).containsEntry("a", "b");
    assertThat(file.objects()).isEmpty();
    assertThat(file.live()).isEmpty();
  }

  @Test
  void whatIsNoListOfPromptsIsNamedWithItsLine() {
    assertRefused(FORM.replace("(unique_token, class_token)", "(class_token, unique_token)"))
        .hasMessageStartingWith("Cannot read f, line 12: a prompt is written");
    assertRefused(FORM.replace("in the jungle'", "in ' + secret + '"))
        .hasMessageStartingWith("Cannot read f, line 12: a prompt is written");
    assertRefused(FORM.replace("a cube shaped {0} {1}", "a cube shaped {1}"))
        .hasMessageStartingWith(
            "Cannot read f, line 14: the list that ends here: Cannot use prompt 1");
    assertRefused(FORM.replace("Live Subject", "Object"))
        .hasMessageContaining("line 21: ")
        .hasMessageContaining("a second list under \"Object Prompts\"");
    assertRefused(FORM.replace("Live Subject Prompts", "More"))
        .hasMessageContaining("under neither \"Object Prompts\" nor \"Live Subject Prompts\"");
    assertRefused(FORM.substring(0, FORM.lastIndexOf(']'))).hasMessageContaining("does not end");
    assertRefused(FORM.replace("mug1,mug", "ball1,mug"))
        .hasMessageContaining("ball1 is there twice");
    assertRefused(FORM.replace("mug1,mug", "mug1,mug,live"))
        .hasMessageContaining("line 5: a line of the table is");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\n\n", "GIF89a", "prompt_list"})
  void aFileOfAnotherKindIsRefused(String text) {
    assertRefused(text).hasMessageContaining("there is neither a table");
  }

  @Test
  void noDamageBringsTheReaderDown() {
    for (int i = 0; i < FORM.length(); i++) {
      for (String mark : List.of("", "\n", "]", "[", "'", ",", "{", "\u0000", "\\")) {
        String damaged = FORM.substring(0, i) + mark + FORM.substring(i + 1);
        for (String text : List.of(damaged, FORM.substring(0, i) + mark)) {
          try {
            DreamBoothFile.parse(text, "f");
          } catch (TuneQdmException e) {
            assertThat(e.getMessage()).startsWith("Cannot read f, line ");
          }
        }
      }
    }
  }

  @Test
  void aLineWithoutEndIsRefused() {
    assertRefused("x".repeat(1 << 19)).hasMessageContaining("longer than 2000 characters");
  }

  private static org.assertj.core.api.AbstractThrowableAssert<?, ?> assertRefused(String text) {
    return assertThatThrownBy(() -> DreamBoothFile.parse(text, "f"))
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.INPUT_DATA));
  }
}
