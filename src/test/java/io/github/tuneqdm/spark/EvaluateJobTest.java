package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.metrics.FurtherScores;
import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.Similarity;
import io.github.tuneqdm.metrics.SubjectScores;
import io.github.tuneqdm.scoring.ImageScorer;
import io.github.tuneqdm.scoring.PictureEncoders;
import io.github.tuneqdm.spark.EvaluateJob.Result;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.ParquetTable;
import io.github.tuneqdm.tensor.Compute;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Supplier;
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

    assertThatThrownBy(() -> evaluate(storage, Map.of("tuneqdm.tuning.method", "lora")))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("tuneqdm.tuning.method: tuneqdm -> lora");

    Result other = evaluate(storage, Map.of("tuneqdm.evaluate.seed", "7"));
    assertThat(other.sampled()).isEqualTo(4);
    try (Stream<Path> earlier = Files.walk(run.resolve("earlier"))) {
      assertThat(earlier.map(Path::toString)).anyMatch(p -> p.endsWith("mug1/00-4242.png"));
    }
    assertThat(run.resolve("images/mug1/00-4242.png")).doesNotExist();
  }

  @Test
  void aFolderOfDreamBoothsFormBringsItsOwnPromptsAndTheSameBytesTwice(@TempDir Path storage)
      throws IOException {
    copyRun(storage);
    Path data = storage.resolve("data");
    for (String subject : List.of("ball1", "mug1")) {
      copy(Path.of("src/demo/toyworld/subjects"), subject, data);
    }
    Files.writeString(data.resolve("prompts_and_classes.txt"), DreamBoothFileTest.FORM);
    Map<String, String> settings =
        Map.of(
            "tuneqdm.data.subjects", data.toString(),
            "tuneqdm.evaluate.prompts", "",
            "tuneqdm.evaluate.live-classes", "mug",
            "tuneqdm.evaluate.images-per-prompt", "2",
            "tuneqdm.evaluate.prior-images", "2");
    Path run = storage.resolve("runs").resolve(runId);

    Result first = evaluate(storage, settings);
    Map<String, String> made = SparkTests.hashes(run);
    assertThat(first.sampled()).isEqualTo(2 * (2 * 2 + 2));
    assertThat(first.scored()).isEqualTo(2 * 2 * 2);
    assertThat(
            ParquetTable.of(ScoreRow.class).read(run.resolve("scores.parquet")).stream()
                .map(ScoreRow::prompt)
                .distinct())
        .containsExactly(
            "a sks toy ball in the jungle",
            "a cube shaped sks toy ball",
            "a sks mug in the jungle",
            "a sks mug wearing a red hat");
    assertThat(run.resolve("protocol.json"))
        .content()
        .contains("\"classes\" : [ \"mug\" ]")
        .contains("a {0} {1} wearing a red hat");
    assertTogether(run, data, first);

    for (String folder : List.of("images", "report")) {
      deleteFiles(run.resolve(folder));
    }
    for (String file : List.of("scores.parquet", "subject-scores.parquet", "images.parquet")) {
      Files.delete(run.resolve(file));
    }
    Result second = evaluate(storage, settings);
    assertThat(second.together()).isEqualTo(first.together());
    assertThat(SparkTests.hashes(run)).isEqualTo(made);

    Files.copy(data.resolve("ball1/0.png"), data.resolve("mug1/new.png"));
    Result otherPhotos = evaluate(storage, settings);
    assertThat(otherPhotos.sampled()).isZero();
    assertThat(otherPhotos.scored()).as("the mug's alone").isEqualTo(2 * 2);
    assertThat(otherPhotos.together().get(0)).isEqualTo(first.together().get(0));
    assertThat(otherPhotos.together().get(1).realDino())
        .isLessThan(first.together().get(1).realDino());
    Files.delete(data.resolve("mug1/new.png"));
    assertThat(evaluate(storage, settings).together()).isEqualTo(first.together());

    Result fewer = evaluate(storage, with(settings, "tuneqdm.evaluate.prior-images", "0"));
    assertThat(fewer.sampled()).isZero();
    assertThat(fewer.scored()).isZero();
    assertThat(fewer.together()).extracting(SubjectScores::priorDino).containsOnlyNulls();
  }

  /** Against the encoders' own word on the very files. */
  private static void assertTogether(Path run, Path data, Result result) throws IOException {
    assertThat(ParquetTable.of(SubjectScores.class).read(run.resolve("subject-scores.parquet")))
        .isEqualTo(result.together());
    assertThat(FurtherScores.of(result.together()).render())
        .contains("prior DINO")
        .doesNotContain(" - ");
    SubjectScores mug = result.together().get(1);
    assertThat(mug.subject()).isEqualTo("mug1");
    assertThat(mug.images()).isEqualTo(4);
    assertThat(mug.priorImages()).isEqualTo(2);
    try (Compute compute = Compute.cpu(2);
        ImageScorer scorer =
            new ImageScorer(
                compute, Path.of("src/demo/toyworld/dino"), Path.of("src/demo/toyworld/clip"))) {
      PictureEncoders.Features real = scorer.pictures(pictures(data.resolve("mug1"), ""));
      PictureEncoders.Features hats = scorer.pictures(pictures(run.resolve("images/mug1"), "01-"));
      PictureEncoders.Features jungle =
          scorer.pictures(pictures(run.resolve("images/mug1"), "00-"));
      PictureEncoders.Features priors =
          scorer.pictures(pictures(run.resolve("images/mug1"), "prior-"));
      float[][] texts =
          scorer.clipText(List.of("a sks mug in the jungle", "a sks mug wearing a red hat"));
      float[][] twice = {texts[1], texts[1]};

      assertThat(mug.realDino()).isCloseTo(Similarity.realAgainstReal(real.dino()), within(1e-6));
      assertThat(mug.realClipI()).isCloseTo(Similarity.realAgainstReal(real.clip()), within(1e-6));
      assertThat(mug.priorDino())
          .isCloseTo(Similarity.imageToImage(priors.dino(), real.dino()), within(1e-6));
      assertThat(mug.dinoDiversity())
          .isCloseTo(
              (Similarity.diversity(jungle.dino()) + Similarity.diversity(hats.dino())) / 2,
              within(1e-6));
      assertThat(mug.clipTWithIdentifier())
          .isCloseTo(
              (Similarity.imageToText(hats.clip(), twice)
                      + Similarity.imageToText(jungle.clip(), new float[][] {texts[0], texts[0]}))
                  / 2,
              within(1e-6))
          .isNotCloseTo(mug.clipT(), within(1e-6));
    }
  }

  private static List<Supplier<RgbImage>> pictures(Path folder, String prefix) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith(prefix))
          .sorted()
          .map(file -> (Supplier<RgbImage>) () -> ImageReader.read(file, 1_000_000))
          .toList();
    }
  }

  private static Map<String, String> with(Map<String, String> settings, String key, String value) {
    Map<String, String> all = new HashMap<>(settings);
    all.put(key, value);
    return all;
  }

  private static void deleteFiles(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.delete(file);
      }
    }
  }

  @Test
  void withoutPromptsOfItsOwnTheDataFolderIsNamed(@TempDir Path storage) throws IOException {
    copyRun(storage);

    assertThatThrownBy(() -> evaluate(storage, Map.of("tuneqdm.evaluate.prompts", "")))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageStartingWith("Cannot evaluate without prompts: tuneqdm.evaluate.prompts names")
        .hasMessageContaining("it has no prompts_and_classes.txt either");
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
      copy(trained, part, storage);
    }
  }

  private static void copy(Path root, String part, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(root.resolve(part))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path target = to.resolve(root.relativize(file).toString());
        Files.createDirectories(target.getParent());
        Files.copy(file, target);
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
