package io.github.tuneqdm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "quantize-base",
        "train-all-subjects",
        "evaluate",
        "study",
        "score-images",
        "inspect",
        "verify-model",
        "bench",
        "doctor"
      })
  void everyCommandHelpsWithExamplesAndExitStatus(String command) {
    assertThat(run(command, "--help")).isZero();
    assertThat(out.toString()).contains("Examples:", "jobs/" + command, "Exit status:");
  }

  @Test
  void anUnknownCommandIsAUsageError() {
    assertThat(run("train")).isEqualTo(2);
    assertThat(err.toString()).contains("train");
  }

  @Test
  void anUnknownKeyIsOneMessageAndStatusTwo() {
    assertThat(run("quantize-base", "--config", "conf/sd14.conf", "-D", "tuneqdm.quantizer.bit=4"))
        .isEqualTo(2);
    assertThat(err.toString().lines())
        .containsExactly(
            "Unknown key tuneqdm.quantizer.bit (-D): did you mean tuneqdm.quantizer.bits?");
  }

  @Test
  void bitsOutOfRangeAreAUsageError() {
    assertThat(run("quantize-base", "--config", "conf/sd14.conf", "-D", "tuneqdm.quantizer.bits=3"))
        .isEqualTo(2);
    assertThat(err.toString().strip())
        .isEqualTo("Cannot use tuneqdm.quantizer.bits = 3 (-D): it must be one of 2, 4, 8");
  }

  @Test
  void aMissingModelFolderIsBadInput(@TempDir Path folder) {
    assertThat(
            run(
                "quantize-base",
                "--config",
                "conf/sd14.conf",
                "-D",
                "tuneqdm.model.base=" + folder.resolve("none")))
        .isEqualTo(3);
    assertThat(err.toString().lines()).singleElement().asString().contains("none");
  }

  @Test
  void debugShowsWhereAFailureCameFrom() {
    assertThat(run("quantize-base", "--debug", "--config", "none.conf")).isEqualTo(2);
    assertThat(err.toString()).contains("\tat io.github.tuneqdm.");
  }

  @Test
  void ourExceptionIsFoundInsideOfOthersAndSurvivesSerialisation() throws Exception {
    TuneQdmException ours =
        TuneQdmException.environment("Cannot write x: disk full", new IOException("disk full"));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream stream = new ObjectOutputStream(bytes)) {
      stream.writeObject(new RuntimeException(new IllegalStateException(ours)));
    }
    try (ObjectInputStream stream =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      TuneQdmException found =
          TuneQdmException.inside((Throwable) stream.readObject()).orElseThrow();
      assertThat(found).hasMessage("Cannot write x: disk full");
      assertThat(found.exitCode().status()).isEqualTo(6);
    }
  }

  private int run(String... args) {
    return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), args);
  }
}
