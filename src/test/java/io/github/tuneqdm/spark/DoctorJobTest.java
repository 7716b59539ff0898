package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.spark.doctor.Finding.Level;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorJobTest {
  @TempDir Path storage;

  @Test
  void theDemoIsFitAndLeftAsItWas() {
    DoctorReport report = examine(Map.of());

    assertThat(report.rows())
        .extracting(row -> row.finding().check())
        .contains(
            "java",
            "memory",
            "spark",
            "engine cache",
            "runs",
            "bases",
            "clock",
            "base model",
            "DINO",
            "CLIP",
            "model cache",
            "subjects",
            "prompts",
            "engine");
    assertThat(report.rows()).noneMatch(row -> row.finding().level() == Level.FAIL);
    assertThat(report.exitCode()).isEqualTo(ExitCode.DONE);
    assertThat(report.lines()).anyMatch(line -> line.contains("computes rightly on the CPU"));
    assertThat(storage).isEmptyDirectory();
  }

  @Test
  void whatIsWrongIsNamedWithItsRemedy() throws IOException {
    Files.createFile(storage.resolve("runs"));
    DoctorReport report =
        examine(
            Map.of(
                "tuneqdm.model.base", storage.resolve("none").toString(),
                "tuneqdm.model.dino", "",
                "tuneqdm.device.kind", "gpu"));

    assertThat(report.exitCode()).isEqualTo(ExitCode.ENVIRONMENT);
    assertThat(report.rows())
        .filteredOn(row -> row.finding().level() == Level.FAIL)
        .extracting(row -> row.finding().check())
        .containsExactly("runs", "base model", "DINO", "engine");
    assertThat(String.join("\n", report.lines()))
        .contains("fail  driver  runs")
        .contains("to mend: give this user the rights there, or set tuneqdm.storage.runs")
        .contains("tuneqdm.model.dino")
        .contains("Cannot use GPU 0: PyTorch sees 0 here")
        .endsWith("4 to mend");
  }

  private DoctorReport examine(Map<String, String> more) {
    var config = SparkTests.config(storage, more);
    try (SparkTests.Master master = SparkTests.Master.local();
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      assertThat(master).isNotNull();
      return new DoctorJob(config, spark).run();
    }
  }
}
