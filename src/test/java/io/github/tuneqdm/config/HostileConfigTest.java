package io.github.tuneqdm.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class HostileConfigTest {
  @TempDir Path folder;

  static Stream<Map.Entry<String, String>> badFiles() {
    String doubling = "tuneqdm.model.base = ${tuneqdm.model.base}${tuneqdm.model.base}\n";
    return Stream.of(
        Map.entry("include \"http://127.0.0.1:9/x.conf\"", "only files beside it"),
        Map.entry("include url(\"http://127.0.0.1:9/x.conf\")", "only files beside it"),
        Map.entry("include url(\"file:///etc/passwd\")", "only files beside it"),
        Map.entry("include file(\"/etc/passwd\")", "only files beside it"),
        Map.entry("include \"/etc/passwd\"", "only files beside it"),
        Map.entry("include \"../x.conf\"", "only files beside it"),
        Map.entry("include classpath(\"reference.conf\")", "only files beside it"),
        Map.entry("include required(url(\"http://127.0.0.1:9/\"))", "only files beside it"),
        Map.entry("include \"absent.conf\"", "no such file beside it"),
        Map.entry("include \"my.conf\"\ninclude \"my.conf\"", "includes more than 16 files"),
        Map.entry(
            "tuneqdm.model.base = x\n" + doubling.repeat(40), "refers to other keys more than"),
        Map.entry("a = x\nb = ${a}${a}", "Unknown key "),
        Map.entry("x {}\n", "Unknown key x"),
        Map.entry("[".repeat(100_000), "nested too deeply"),
        Map.entry("tuneqdm" + "{a".repeat(100_000), "nested too deeply"),
        Map.entry("tuneqdm" + ".a".repeat(100_000) + " = 1", ""),
        Map.entry("#" + "x".repeat(5_000_000), "larger than 4 MiB"),
        Map.entry("tuneqdm.tuning.steps = " + "9".repeat(100_000), "it must be a whole number"),
        Map.entry("tuneqdm.tuning.steps = 1e999999999", "it must be a whole number"),
        Map.entry("tuneqdm.tuning.steps = -9223372036854775809", "it must be a whole number"),
        Map.entry("tuneqdm.tuning.learning-rate = NaN", "it must be a number"),
        Map.entry("tuneqdm.tuning.learning-rate = Infinity", "it must be a number"),
        Map.entry("tuneqdm.tuning.learning-rate = 1e400", "it must be a number"),
        Map.entry("tuneqdm.data.subjects = \":x\"", "a path or an address such as hdfs"),
        Map.entry("tuneqdm.data.subjects = \"s3a:\"", "a path or an address such as hdfs"),
        Map.entry("tuneqdm.data.subjects = \"1a:/b\"", "a path or an address such as hdfs"),
        Map.entry("tuneqdm.storage.runs = \"a\\u0000b\"", "a path or an address such as hdfs"),
        Map.entry("tuneqdm.model.base = \"a\\nb\"", "a path or an address such as hdfs"),
        Map.entry("tuneqdm = 5", "Unknown key tuneqdm"),
        Map.entry("tuneqdm.tuning = []", "Unknown key tuneqdm.tuning"),
        Map.entry("tuneqdm.tuning.steps { a = 1 }", "it must be a whole number"),
        Map.entry("tuneqdm.data.names = { a = b }", "a list of texts"),
        Map.entry("tuneqdm.data.names = [[a]]", "a list of texts"),
        Map.entry("tuneqdm.data.names = [null]", "a list of texts"),
        Map.entry("tuneqdm.\u001b[2J = 1", ""),
        Map.entry("tuneqdm.oops = \"a\0b\"", ""),
        Map.entry("tuneqdm.tun\u0456ng.steps = 3", "did you mean tuneqdm.tuning.steps?"),
        Map.entry("tuneqdm." + "k".repeat(200_000) + " = 1", "Unknown key tuneqdm.kkk"),
        Map.entry("tuneqdm.model.base = ${}", "Cannot read --config"),
        Map.entry("tuneqdm.model.base = ${NOT_IN_THE_ENVIRONMENT_9}", "Cannot resolve"));
  }

  @ParameterizedTest
  @MethodSource("badFiles")
  @Timeout(60)
  void badFilesAreUsageErrorsOfOneLine(Map.Entry<String, String> bad) {
    assertThatThrownBy(() -> load(bad.getKey()))
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.USAGE))
        .hasMessageContaining(bad.getValue())
        .satisfies(
            e ->
                assertThat(e.getMessage())
                    .hasSizeLessThan(3000)
                    .doesNotContain("\n", "\u001b", "\0", "root:"));
  }

  @Test
  void filesBesideItAndTheEnvironmentMayBeUsed() throws IOException {
    Files.writeString(folder.resolve("common.conf"), "tuneqdm.tuning.steps = 7");
    String file =
        "include \"common.conf\"\ninclude \"common\"\ntuneqdm.model.base = ${PATH}\n"
            + "tuneqdm.model.dino = ${?NOT_IN_THE_ENVIRONMENT_9}";

    TuneQdmConfig config = load("\uFEFF" + file);

    assertThat(config.tuningSteps()).isEqualTo(7);
    assertThat(config.modelBase()).isEqualTo(System.getenv("PATH"));
  }

  @Test
  void aFileThatIsNoTextIsRefused() throws IOException {
    Path file =
        Files.write(folder.resolve("my.conf"), "a = \u00e9".getBytes(StandardCharsets.ISO_8859_1));

    assertThatThrownBy(() -> load(ConfigSource.file(file)))
        .hasMessage("Cannot read --config " + file + ": my.conf is not UTF-8 text");
    assertThatThrownBy(() -> load(ConfigSource.file(folder)))
        .hasMessageContaining("there is no such file");
    assertThatThrownBy(() -> load(ConfigSource.file(Path.of("/dev/zero"))))
        .hasMessageContaining("there is no such file");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "include \"reference.conf\"",
        "include file(\"/etc/passwd\")",
        "include url(\"http://127.0.0.1:9/\")",
        "tuneqdm.model.base = ${HOME}",
        "tuneqdm.model.base = ${?SECRET}",
        "tuneqdm.model.base = ${tuneqdm.model.dino}"
      })
  void aConfigurationFromStorageHoldsValuesAlone(String text) {
    assertThatThrownBy(() -> load(ConfigSource.text(text, "runs/1/run.conf")))
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.INPUT_DATA))
        .hasMessageStartingWith("Cannot read runs/1/run.conf: it ")
        .hasMessageEndingWith("which only --config FILE may");
  }

  private TuneQdmConfig load(String text) {
    try {
      return load(ConfigSource.file(Files.writeString(folder.resolve("my.conf"), text)));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static TuneQdmConfig load(ConfigSource source) {
    return new ConfigLayers(Map.of(), Map.of(), Optional.of(source)).load();
  }
}
