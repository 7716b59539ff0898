package io.github.tuneqdm.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptSetTest {
  @TempDir Path folder;

  @Test
  void readsTheDemosTemplates() {
    PromptSet prompts = PromptSet.read(Path.of("src/demo/toyworld/prompts.txt"));
    assertThat(prompts.size()).isEqualTo(25);
    assertThat(prompts.prompts("sks", "mug"))
        .hasSize(25)
        .startsWith("a photo of a sks mug on the beach")
        .endsWith("a rendering of a sks mug on water");
    assertThat(prompts.withoutIdentifier("mug"))
        .startsWith("a photo of a mug on the beach")
        .noneMatch(prompt -> prompt.contains("  ") || prompt.contains("sks"));
  }

  @Test
  void leavesNoDoubleSpacesAndFillsOnlyPlaceholders() {
    PromptSet prompts = PromptSet.read(file("{0} {1}, seen\tfrom above\r\na red {1} {0}\n"));
    assertThat(prompts.withoutIdentifier("stuffed animal"))
        .containsExactly("stuffed animal, seen from above", "a red stuffed animal");
    assertThat(prompts.prompts("{1}", "$1"))
        .containsExactly("{1} $1, seen from above", "a red $1 {1}");
  }

  @Test
  void skipsCommentsEmptyLinesAndAByteOrderMark() {
    assertThat(
            PromptSet.read(file("\uFEFFa {0} {1}\n\n# properties\n  a red {0} {1}  ")).templates())
        .containsExactly("a {0} {1}", "a red {0} {1}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "a {1} in the snow | {0} must stand in it exactly once",
        "a {0} in the snow | {1} must stand in it exactly once",
        "a {0} {0} {1} | {0} must stand in it exactly once",
        "a {0} {1} {2} | braces other than {0} and {1}",
        "a {0} {1} {color | braces other than {0} and {1}",
        "'a {0} {1}'.format(token, noun), | starts with a quotation mark",
        "a {0} {1} | repeats line 1",
      })
  void refusesABadLineByItsNumber(String line, String why) {
    Path file = file("a {0} {1}\n" + line + "\n");
    assertThatThrownBy(() -> PromptSet.read(file))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageStartingWith("Cannot read prompts " + file + ": line 2: ")
        .hasMessageContaining(why)
        .extracting(e -> ((TuneQdmException) e).exitCode())
        .isEqualTo(ExitCode.INPUT_DATA);
  }

  @Test
  void refusesFilesThatAreNoPrompts() throws IOException {
    assertThatThrownBy(() -> PromptSet.read(folder.resolve("absent.txt")))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("there is no such file");
    assertThatThrownBy(() -> PromptSet.read(file("\n# nothing\n")))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("it holds no prompt");
    Path latin =
        Files.write(
            folder.resolve("latin.txt"),
            "a {0} {1} caf\u00e9".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> PromptSet.read(latin))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("it is not UTF-8 text");
    assertThatThrownBy(() -> PromptSet.read(file("a {0} {1}" + "x".repeat(1000))))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("1009 characters long");
    assertThatThrownBy(() -> PromptSet.read(file("a {0} {1} \u001b[2J")))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("control characters");
  }

  private Path file(String text) {
    try {
      return Files.writeString(folder.resolve("prompts.txt"), text);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
