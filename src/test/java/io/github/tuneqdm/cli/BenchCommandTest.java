package io.github.tuneqdm.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import ai.djl.util.cuda.CudaUtils;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tuneqdm.ToyWorld;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BenchCommandTest {
  private static final String DEMO = "tuneqdm.demo.dir";

  private final StringWriter err = new StringWriter();

  @BeforeEach
  void startAsTheLauncherDoes() {
    System.setProperty(DEMO, ToyWorld.ROOT.toString());
  }

  @AfterEach
  void forget() {
    System.clearProperty(DEMO);
  }

  @Test
  void theDemoIsMeasuredInAFewSeconds(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("bench.json");

    assertThat(run("bench --quick --device cpu --subjects 1 --sample-steps 2 --json " + file))
        .isZero();

    JsonNode json = new ObjectMapper().readTree(file.toFile());
    List<String> rows = json.path("rows").findValuesAsText("what");
    assertThat(rows).containsExactly("quantize", "matmul", "load", "train", "sample", "score");
    assertThat(json.path("device").asText()).startsWith("CPU");
  }

  @Test
  void aShortSoakEnds() {
    assertThat(run("bench soak --steps 10 --images 1 --device cpu")).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "bench train --precision float8 | 2 | Cannot use --precision float8",
        "bench train --device tpu | 2 | Cannot use --device tpu: choose auto or cpu or gpu",
        "bench train --mode tight | 2 | Cannot use --mode tight: choose resident or packed",
        "bench walk | 2 | Cannot measure walk: choose train or sample",
        "bench train --subjects 1,0 | 2 | Cannot use --subjects 0",
        "bench train --size 65 | 2 | Cannot use --size 65",
        "bench soak --steps 0 | 2 | Cannot soak less than one step",
        "bench train --bits 9 | 2 | Cannot quantise to 9 bits",
        "bench train --random sd15 | 2 | Cannot use --random sd15: choose sd14 or toyworld",
        "bench train --random sd14 --base x | 2 | Cannot use --base and --random together",
        "bench train --base no/model | 3 | Cannot open the base model no/model",
        "bench train --json no/folder/x.json | 6 | Cannot write no/folder/x.json"
      })
  void whatCannotBeMeasuredIsOneMessage(String line, int status, String message) {
    assertThat(run(line)).isEqualTo(status);
    assertThat(err.toString().lines()).singleElement().asString().startsWith(message);
  }

  @Test
  void aGpuThatIsNotThereIsTheMachinesFault() {
    assumeThat(CudaUtils.hasCuda()).isFalse();

    assertThat(run("bench train --device gpu")).isEqualTo(6);
    assertThat(err.toString()).startsWith("Cannot use --device gpu: PyTorch sees no GPU here");
  }

  private int run(String line) {
    return Main.run(
        new PrintWriter(new StringWriter(), true), new PrintWriter(err, true), line.split(" "));
  }
}
