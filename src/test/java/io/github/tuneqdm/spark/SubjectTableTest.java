package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.tuning.SubjectOverrides;
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

    assertThat(table.row("mug1"))
        .isEqualTo(new SubjectTable.Row("", "a, \"sks\" mug", "", SubjectOverrides.NONE));
    assertThat(table.row("cup2").instancePrompt()).isEqualTo("plain");
    assertThat(table.row("other")).isEqualTo(SubjectTable.Row.EMPTY);
  }

  @Test
  void columnsNamedLikeKeysOverrideThemForOneSubject() {
    SubjectTable table =
        SubjectTable.parse(
            "name,learning-rate,seed,weight-decay\nmug1,1e30,-7,\ncup2,,,0.10", "subjects.csv");

    assertThat(table.row("mug1").overrides()).hasToString("learning-rate = 1E+30\nseed = -7\n");
    assertThat(table.row("cup2").overrides()).hasToString("weight-decay = 0.1\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | it is empty",
        "'name,colour\na,b' | unknown column \"colour\"",
        "'name,learning_rate\na,b' | did you mean learning-rate? there are name, class,",
        "'name,learning-rate\na,fast' | Cannot use learning-rate = \"fast\" (subjects.csv, row 1)",
        "'name,learning-rate\na,-1' | it must be a number from 0 to 1E+30",
        "'name,seed\na,1.5' | it must be a whole number from -9223372036854775808 to",
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
