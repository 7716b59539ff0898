package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.TuneQdmException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SubjectTableTest {
  @Test
  void columnsMayStandInAnyOrderAndFieldsBeQuoted() {
    SubjectTable table =
        SubjectTable.parse(
            "\uFEFFinstance_prompt,name\r\n\"a, \"\"sks\"\" mug\",mug1\r\n\r\nplain,cup2",
            "subjects.csv");

    assertThat(table.row("mug1")).isEqualTo(new SubjectTable.Row("", "a, \"sks\" mug", ""));
    assertThat(table.row("cup2").instancePrompt()).isEqualTo("plain");
    assertThat(table.row("other")).isEqualTo(SubjectTable.Row.EMPTY);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | it is empty",
        "'name,colour\na,b' | unknown column \"colour\"",
        "'class\nmug' | its header needs a column \"name\"",
        "'name,name\na,b' | its header needs a column \"name\", and each column once",
        "'name,class\na' | row 1 has 1 fields, the header 2",
        "'name\na\na' | a is there twice",
        "'name\n\"a' | a quoted field never ends",
        "'name\n../a' | Cannot use \"../a\" (subjects.csv, row 1) as a subject's name",
      })
  void brokenTablesAreRefused(String text, String message) {
    assertThatThrownBy(() -> SubjectTable.parse(text, "subjects.csv"))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining(message);
  }
}
