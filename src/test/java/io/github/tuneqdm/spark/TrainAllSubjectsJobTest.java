package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Result;
import io.github.tuneqdm.storage.SafetensorsFile;
import io.github.tuneqdm.tuning.StepRecord;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainAllSubjectsJobTest {
  private static final Path PHOTOS = Path.of("src/demo/toyworld/subjects");

  @TempDir Path storage;

  @Test
  void everySubjectIsTrainedAndPublished() {
    Result result = train(storage, Map.of());

    assertThat(result.trained()).containsExactly("ball1", "mug1");
    assertThat(result.exitCode()).isEqualTo(ExitCode.DONE);
    RunFolder run =
        RunFolder.of(storage.resolve("runs").toString(), result.runId(), new Configuration());
    assertThat(run.plan().orElseThrow().batches())
        .containsExactly(List.of("ball1"), List.of("mug1"));
    assertThat(run.readSteps("mug1")).extracting(StepRecord::step).containsExactly(1, 2);
    try (SafetensorsFile deltas = SafetensorsFile.open(file(result, "mug1/deltas.safetensors"))) {
      assertThat(deltas.metadata())
          .containsEntry("run", result.runId())
          .containsEntry("subject", "mug1")
          .containsEntry("prompt", "a photo of a sks mug")
          .containsEntry("step", "2");
      assertThat(deltas.names())
          .allMatch(name -> name.endsWith(".delta_out") || name.endsWith(".delta_in"));
    }
    assertThat(RunFolder.newest(storage.resolve("runs").toString(), new Configuration()).id())
        .isEqualTo(result.runId());
    assertThat(Path.of(URI.create(result.folder() + "/report/index.html")))
        .content()
        .contains("<article class=\"subject\" id=\"subject-1\" data-name=\"mug1\">")
        .contains("Training loss: running mean")
        .doesNotContain("data-live=\"");
  }

  @Test
  void stepsAreThereForTensorBoardWhereAskedForAndTheRunIsTheSame() throws IOException {
    Map<String, String> one = Map.of("tuneqdm.data.names", "mug1");
    Result with =
        train(
            storage.resolve("with"),
            Map.of("tuneqdm.data.names", "mug1", "tuneqdm.run.tensorboard", "true"));
    Result without = train(storage.resolve("without"), one);

    assertThat(with.runId()).isEqualTo(without.runId());
    String events = "events.out.tfevents.0.tuneqdm";
    Path subject = Path.of("runs", with.runId(), "subjects/mug1");
    Path made = storage.resolve("with").resolve(subject);
    assertThat(SparkTests.hashes(made))
        .containsKey(events)
        .containsAllEntriesOf(SparkTests.hashes(storage.resolve("without").resolve(subject)));
    RunFolder run =
        RunFolder.of(storage.resolve("with/runs").toString(), with.runId(), new Configuration());
    List<Map<String, Float>> scalars = new ArrayList<>();
    run.readSteps("mug1")
        .forEach(
            step ->
                scalars.add(
                    Map.of(
                        "loss", (float) step.loss(),
                        "gradient norm", (float) step.gradNorm(),
                        "learning rate", (float) step.learningRate())));
    assertThat(EventFiles.read(Files.readAllBytes(made.resolve(events))).values())
        .containsExactlyElementsOf(scalars);
  }

  @Test
  void aRunThatIsThereIsNotTrainedAgainAndAMissingMemberComesBackTheSame() throws IOException {
    Map<String, String> together = Map.of("tuneqdm.tuning.subjects-per-batch", "2");
    Result first = train(storage, together);
    Path ball = file(first, "ball1/deltas.safetensors");
    Map<String, String> before = results();
    FileTime written = Files.getLastModifiedTime(ball);

    Result second = train(storage, together);
    assertThat(second.trained()).isEmpty();
    assertThat(second.alreadyDone()).containsExactly("ball1", "mug1");

    for (String name : List.of("status.json", "steps.parquet", "deltas.safetensors")) {
      Files.delete(file(first, "mug1/" + name));
    }
    Result third = train(storage, together);
    assertThat(third.trained()).containsExactly("mug1");
    assertThat(results()).isEqualTo(before);
    assertThat(Files.getLastModifiedTime(ball)).isEqualTo(written);
  }

  /** Without the page, which tells of times. */
  private Map<String, String> results() throws IOException {
    Map<String, String> hashes = SparkTests.hashes(storage.resolve("runs"));
    hashes.keySet().removeIf(path -> path.endsWith(RunReport.PATH));
    return hashes;
  }

  @Test
  void twoExecutorsOfAClusterPublishTheSameBytes() throws IOException {
    Result local = train(storage.resolve("local"), Map.of());
    Result cluster = train(SparkTests.Master.cluster(), storage.resolve("cluster"), Map.of());

    assertThat(cluster.runId()).isEqualTo(local.runId());
    assertThat(SparkTests.hashes(Path.of(URI.create(cluster.folder() + "/subjects"))))
        .isEqualTo(SparkTests.hashes(Path.of(URI.create(local.folder() + "/subjects"))));
  }

  @Test
  void subjectsThatCannotBeReadDoNotTakeTheOthersDown() throws IOException {
    Path data = storage.resolve("data");
    copy("ball1", data.resolve("ball1"));
    Files.write(data.resolve("ball1/bad.png"), new byte[] {1, 2, 3});
    Files.createDirectory(data.resolve("broken"));
    Files.write(data.resolve("broken/2.png"), new byte[] {1, 2, 3});
    Files.createDirectory(data.resolve("empty"));

    Map<String, String> settings =
        Map.of("tuneqdm.data.subjects", data.toString(), "tuneqdm.data.names", "");
    Result result = train(storage, settings);

    assertThat(result.trained()).containsExactly("ball1");
    assertThat(Files.readString(file(result, "ball1/status.json")))
        .contains("Cannot read ball1/bad.png: it is no JPEG, PNG, BMP or GIF picture");
    assertThat(Files.readAllBytes(file(result, "ball1/deltas.safetensors"))).isNotEmpty();
    assertThat(result.exitCode()).isEqualTo(ExitCode.SOME_SUBJECTS_FAILED);
    assertThat(result.failures()).containsOnlyKeys("broken", "empty");
    assertThat(result.failures().get("broken")).contains("broken/2.png");
    assertThat(result.failures().get("empty")).startsWith("Cannot train empty: it has no photos");
    assertThat(Files.readString(file(result, "broken/status.json"))).contains("\"FAILED\"");
    assertThat(file(result, "broken/deltas.safetensors")).doesNotExist();

    Map<String, String> badOnes = new HashMap<>(settings);
    badOnes.put("tuneqdm.data.names", "broken,empty");
    assertThat(train(storage, badOnes).exitCode()).isEqualTo(ExitCode.ALL_SUBJECTS_FAILED);
  }

  @Test
  void trainingThatDivergesFailsTheSubjectAlone() {
    Result result =
        train(
            storage,
            Map.of(
                "tuneqdm.tuning.parametrization",
                "absolute",
                "tuneqdm.tuning.learning-rate",
                "10",
                "tuneqdm.tuning.steps",
                "4"));

    assertThat(result.exitCode()).isEqualTo(ExitCode.ALL_SUBJECTS_FAILED);
    assertThat(result.failures().get("ball1")).contains("tuneqdm.tuning.learning-rate");
  }

  @Test
  void aResolutionTheModelCannotDoStopsTheJob() {
    assertThatThrownBy(() -> train(storage, Map.of("tuneqdm.data.resolution", "66")))
        .hasMessageContaining("tuneqdm.data.resolution");
    assertThat(storage.resolve("runs")).doesNotExist();
  }

  @Test
  void aDriverWhoseRunIsTakenOverStopsAndLeavesTheRunAsItIs() throws Exception {
    Map<String, String> endless =
        Map.of(
            "tuneqdm.tuning.steps", "1000000",
            "tuneqdm.storage.lease-seconds", "3",
            "tuneqdm.checkpoint.every-steps", "1");
    ExecutorService driver = Executors.newSingleThreadExecutor();
    try {
      Future<Result> training = driver.submit(() -> train(storage, endless));
      Killing.await(() -> !Killing.files(storage, "/state/").isEmpty() || training.isDone());
      String id = Killing.run(storage).getFileName().toString();
      RunFolder run = RunFolder.of(storage.resolve("runs").toString(), id, new Configuration());
      LeaseFiles lease = new LeaseFiles(run);
      DriverProcess other = Killing.takeOver(lease);

      assertThatThrownBy(training::get)
          .cause()
          .hasMessageContaining("Cannot go on with the run ")
          .hasMessageContaining("has taken it over")
          .extracting(e -> ((TuneQdmException) e).exitCode())
          .isEqualTo(ExitCode.ENVIRONMENT);
      assertThat(Killing.files(storage, "status.json")).isEmpty();
      assertThat(lease.current().orElseThrow().holder()).isEqualTo(other);
    } finally {
      driver.shutdown();
    }
  }

  @Test
  void classImagesAreMadeOnceAndSharedByTheClass() throws IOException {
    Result result =
        train(
            storage,
            Map.of(
                "tuneqdm.data.names", "ball1",
                "tuneqdm.tuning.prior-preservation.enabled", "true",
                "tuneqdm.tuning.prior-preservation.class-images", "1"));

    assertThat(result.trained()).containsExactly("ball1");
    try (Stream<Path> images = Files.walk(Path.of(URI.create(result.folder() + "/class-images")))) {
      assertThat(images.filter(Files::isRegularFile)).hasSize(1);
    }
  }

  private static Path file(Result result, String relative) {
    return Path.of(URI.create(result.folder() + "/subjects/" + relative));
  }

  private static void copy(String subject, Path target) throws IOException {
    Files.createDirectories(target);
    try (Stream<Path> photos = Files.list(PHOTOS.resolve(subject))) {
      for (Path photo : photos.toList()) {
        Files.copy(photo, target.resolve(photo.getFileName()));
      }
    }
  }

  private static Result train(Path storage, Map<String, String> more) {
    return train(SparkTests.Master.local(), storage, more);
  }

  private static Result train(SparkTests.Master master, Path storage, Map<String, String> more) {
    TuneQdmConfig config = SparkTests.config(storage, SparkTests.tinyTraining(more));
    try (master;
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      return new TrainAllSubjectsJob(config, spark, SparkTests.nowhere(), SparkTests.nowhere())
          .run();
    }
  }
}
