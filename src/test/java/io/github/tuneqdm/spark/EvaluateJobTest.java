package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.spark.EvaluateJob.Result;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluateJobTest {
  @TempDir static Path trained;

  private static String runId;

  @BeforeAll
  static void trainTwoSubjects() throws IOException {
    Files.writeString(trained.resolve("prompts.txt"), "a photo of a {0} {1}\na {0} {1} at night\n");
    TuneQdmConfig config = config(trained, Map.of());
    SparkTests.Master master = SparkTests.Master.local();
    try (master;
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      runId =
          new TrainAllSubjectsJob(config, spark, SparkTests.nowhere(), SparkTests.nowhere())
              .run()
              .runId();
    }
  }

  @Test
  void picturesScoresAndReportAreMadeOnce(@TempDir Path storage) throws IOException {
    copyRun(storage);

    Result first = evaluate(storage, Map.of());
    assertThat(first.sampled()).isEqualTo(4);
    assertThat(first.scored()).isEqualTo(4);
    assertThat(first.table().subjects()).containsExactly("ball1", "mug1");
    assertThat(first.table().methods()).containsExactly(Methods.TUNED);
    assertThat(first.exitCode()).isEqualTo(ExitCode.DONE);
    Path run = storage.resolve("runs").resolve(runId);
    assertThat(run.resolve("images/ball1/00-4242.png")).exists();
    assertThat(run.resolve("images/mug1/01-4243.png")).exists();
    assertThat(Path.of(URI.create(first.report()))).content().contains("ball1");
    Map<String, String> before = SparkTests.hashes(run);

    Result second = evaluate(storage, Map.of());
    assertThat(second.sampled()).isZero();
    assertThat(second.scored()).isZero();
    assertThat(second.table()).isEqualTo(first.table());

    Files.delete(run.resolve("images/mug1/01-4243.png"));
    Result third = evaluate(storage, Map.of());
    assertThat(third.sampled()).isEqualTo(1);
    assertThat(SparkTests.hashes(run)).isEqualTo(before);

    Result more = evaluate(storage, Map.of("tuneqdm.evaluate.baselines", "true"));
    assertThat(more.sampled()).isEqualTo(8);
    assertThat(more.scored()).isEqualTo(8);
    assertThat(more.table().methods())
        .containsExactly(Methods.UNTUNED, Methods.QUANTISED_UNTUNED, Methods.TUNED);
    assertThat(run.resolve("baselines/quantised-un-tuned/mug1/00-4242.png")).exists();

    Result other = evaluate(storage, Map.of("tuneqdm.evaluate.seed", "7"));
    assertThat(other.sampled()).isEqualTo(4);
    try (Stream<Path> earlier = Files.walk(run.resolve("earlier"))) {
      assertThat(earlier.map(Path::toString)).anyMatch(p -> p.endsWith("mug1/00-4242.png"));
    }
    assertThat(run.resolve("images/mug1/00-4242.png")).doesNotExist();
  }

  @Test
  void twoExecutorsOfAClusterMakeTheSamePictures(@TempDir Path storage) throws IOException {
    Path local = storage.resolve("local");
    Path cluster = storage.resolve("cluster");
    copyRun(local);
    copyRun(cluster);

    Result here = evaluate(local, Map.of("tuneqdm.evaluate.batch-size", "3"));
    Result there =
        evaluate(SparkTests.Master.cluster(), cluster, Map.of("tuneqdm.evaluate.batch-size", "3"));

    assertThat(there.table()).isEqualTo(here.table());
    assertThat(SparkTests.hashes(cluster.resolve("runs").resolve(runId).resolve("images")))
        .isEqualTo(SparkTests.hashes(local.resolve("runs").resolve(runId).resolve("images")));
  }

  @Test
  void aDamagedCheckpointIsRefused(@TempDir Path storage) throws IOException {
    copyRun(storage);
    Path deltas =
        storage.resolve("runs").resolve(runId).resolve("subjects/mug1/deltas.safetensors");
    byte[] bytes = Files.readAllBytes(deltas);
    bytes[bytes.length - 1] ^= 1;
    Files.write(deltas, bytes);

    assertThatThrownBy(() -> evaluate(storage, Map.of()))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("does not match its sha256");
  }

  @Test
  void withoutARunThereIsNothingToEvaluate(@TempDir Path storage) {
    assertThatThrownBy(() -> evaluate(storage, Map.of()))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("run train-all-subjects first");
  }

  private static void copyRun(Path storage) throws IOException {
    for (String part : new String[] {"runs", "bases"}) {
      try (Stream<Path> files = Files.walk(trained.resolve(part))) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          Path target = storage.resolve(trained.relativize(file).toString());
          Files.createDirectories(target.getParent());
          Files.copy(file, target);
        }
      }
    }
  }

  private static TuneQdmConfig config(Path storage, Map<String, String> more) {
    Map<String, String> settings = new HashMap<>();
    settings.put("tuneqdm.tuning.steps", "1");
    settings.put("tuneqdm.evaluate.prompts", trained.resolve("prompts.txt").toString());
    settings.put("tuneqdm.evaluate.steps", "2");
    settings.putAll(more);
    return SparkTests.config(storage, SparkTests.tinyTraining(settings));
  }

  private static Result evaluate(Path storage, Map<String, String> more) {
    return evaluate(SparkTests.Master.local(), storage, more);
  }

  private static Result evaluate(SparkTests.Master master, Path storage, Map<String, String> more) {
    TuneQdmConfig config = config(storage, more);
    try (master;
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      RunFolder run = RunFolder.newest(config.storageRuns(), new Configuration());
      return new EvaluateJob(config, spark, SparkTests.nowhere()).run(run);
    }
  }
}
