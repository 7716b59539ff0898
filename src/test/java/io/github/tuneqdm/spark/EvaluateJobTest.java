package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.spark.EvaluateJob.Result;
import io.github.tuneqdm.storage.Hashes;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
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
    assertThat(shownThumbnails(run)).isEqualTo(thumbnails(run)).hasSizeGreaterThan(4);
    assertThat(
            Files.readString(run.resolve("images/mug1/01-4243.png"), StandardCharsets.ISO_8859_1))
        .contains("run\0" + runId, "prompt\0a sks mug at night", "seed\0" + 4243)
        .containsPattern("base\0base-[0-9a-f]{12}")
        .containsPattern("model\0[0-9a-f]{64}")
        .contains("scales\0" + deltasOf(run, "mug1"));
    Map<String, String> before = SparkTests.hashes(run);

    Result second = evaluate(storage, Map.of());
    assertThat(second.sampled()).isZero();
    assertThat(second.scored()).isZero();
    assertThat(second.table()).isEqualTo(first.table());

    Files.delete(run.resolve("images/mug1/01-4243.png"));
    Result third = evaluate(storage, Map.of());
    assertThat(third.sampled()).isEqualTo(1);
    assertThat(SparkTests.hashes(run)).isEqualTo(before);

    // What a page does not show goes; what it misses comes back.
    Path stale = run.resolve("report/thumbs/mug1/0123456789abcdef.png");
    Files.write(stale, new byte[1]);
    Files.delete(run.resolve("report/thumbs").resolve(thumbnails(run).first()));
    Files.writeString(run.resolve("report/index.html"), "half of a p");
    assertThat(evaluate(storage, Map.of()).scored()).isZero();
    assertThat(SparkTests.hashes(run)).isEqualTo(before);

    Result more = evaluate(storage, Map.of("tuneqdm.evaluate.baselines", "true"));
    assertThat(more.sampled()).isEqualTo(8);
    assertThat(more.scored()).isEqualTo(8);
    assertThat(more.table().methods())
        .containsExactly(Methods.UNTUNED, Methods.QUANTISED_UNTUNED, Methods.TUNED);
    assertThat(run.resolve("baselines/quantised-un-tuned/mug1/00-4242.png")).exists();
    assertThat(
            Files.readString(
                run.resolve("baselines/un-tuned/mug1/00-4242.png"), StandardCharsets.ISO_8859_1))
        .containsPattern("model\0[0-9a-f]{64}")
        .doesNotContain("base\0", "scales\0");
    assertThat(shownThumbnails(run)).isEqualTo(thumbnails(run));
    assertThat(run.resolve("report/index.html"))
        .content()
        .contains("Quality and storage", "Quality and memory");

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

  private static String deltasOf(Path run, String subject) {
    return Hashes.sha256(run.resolve("subjects").resolve(subject).resolve("deltas.safetensors"));
  }

  /** Those that the page shows, by their paths in {@code thumbs}. */
  private static TreeSet<String> shownThumbnails(Path run) throws IOException {
    return Pattern.compile("src=\"thumbs/([^\"]*)\"")
        .matcher(Files.readString(run.resolve("report/index.html")))
        .results()
        .map(match -> match.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static TreeSet<String> thumbnails(Path run) throws IOException {
    return new TreeSet<>(SparkTests.hashes(run.resolve("report/thumbs")).keySet());
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
