package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.report.Chromium;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Result;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PoisonedSubjectsTest {
  private static final Path PHOTO = Path.of("src/demo/toyworld/subjects/mug1/0.png");
  private static final String CORRUPT = "s03";
  private static final String DIVERGING = "s14";
  private static final String WITHOUT_PHOTOS = "s25";
  private static final String WITH_A_REJECT = "s02";
  private static final String REJECTED = "1.jpg";

  @TempDir Path storage;

  @Test
  void threeOfThirtySubjectsFailWithTheirCausesAndTheOthersAreCommitted() throws Exception {
    subjects(30);

    // --fail-fast: the corrupt photo in the first of ten batches ends it.
    Result stopped = train(Map.of("tuneqdm.run.fail-fast", "true"));
    assertThat(stopped.failures().get(CORRUPT)).contains(CORRUPT + "/0.png");
    assertThat(stopped.exitCode()).isEqualTo(ExitCode.INPUT_DATA);
    assertThat(stopped.trained().size() + stopped.failures().size()).isLessThan(15);
    assertThat(printed(stopped))
        .contains(CORRUPT, "Stopped at the first failure (tuneqdm.run.fail-fast)");

    // Without it the same run goes on past what fails.
    Result result = train(Map.of());
    assertThat(result.runId()).isEqualTo(stopped.runId());
    assertThat(result.alreadyDone()).containsExactlyInAnyOrderElementsOf(stopped.trained());
    assertThat(result.trained().size() + result.alreadyDone().size()).isEqualTo(27);
    assertThat(result.exitCode()).isEqualTo(ExitCode.SOME_SUBJECTS_FAILED);
    assertThat(result.exitCode().status()).isEqualTo(4);
    assertThat(result.failures()).containsOnlyKeys(CORRUPT, DIVERGING, WITHOUT_PHOTOS);
    Map<String, FileTime> trainedAt = speeds(result);
    Path subjects = Path.of(URI.create(result.folder() + "/subjects"));
    try (Stream<Path> files = Files.walk(subjects)) {
      assertThat(files.filter(file -> file.endsWith("deltas.safetensors"))).hasSize(27);
    }

    String causeOfCorrupt = CORRUPT + "/0.png";
    String causeOfDiverging =
        "training diverged: the loss is not a finite number at step 2 (lower its learning-rate in"
            + " subjects.csv)";
    String causeOfWithoutPhotos = "it has no photos";
    assertThat(printed(result))
        .contains("3 failed")
        .containsPattern(CORRUPT + " .*" + causeOfCorrupt)
        .contains(DIVERGING + "     " + causeOfDiverging)
        .containsPattern(WITHOUT_PHOTOS + " .*" + causeOfWithoutPhotos);
    assertThat(Files.readString(Path.of(URI.create(result.folder() + "/report/index.html"))))
        .contains(causeOfCorrupt, causeOfDiverging, causeOfWithoutPhotos, "1 photo rejected")
        .doesNotContain("data-live=\"");
    Path report = report();
    assertThat(report)
        .content()
        .contains(causeOfCorrupt, causeOfDiverging, causeOfWithoutPhotos)
        .contains("<td>" + REJECTED + "</td><td>Cannot read " + WITH_A_REJECT + "/" + REJECTED);
    look(report);

    // Started again, it trains no batch of which nothing is missing that could be trained.
    Result again = train(Map.of());
    assertThat(again.failures()).isEqualTo(result.failures());
    assertThat(again.exitCode()).isEqualTo(ExitCode.SOME_SUBJECTS_FAILED);
    assertThat(speeds(result)).isEqualTo(trainedAt);

    // Who knows better deletes what it says of that subject.
    Files.delete(subjects.resolve(DIVERGING).resolve("status.json"));
    assertThat(train(Map.of()).failures()).isEqualTo(result.failures());
    Map<String, FileTime> now = speeds(result);
    assertThat(now.keySet().stream().filter(batch -> !now.get(batch).equals(trainedAt.get(batch))))
        .containsExactly("batch-4.json");
  }

  /** When each batch was last trained. */
  private static Map<String, FileTime> speeds(Result result) throws IOException {
    Map<String, FileTime> times = new TreeMap<>();
    try (Stream<Path> files = Files.list(Path.of(URI.create(result.folder() + "/speed")))) {
      for (Path file : files.toList()) {
        times.put(file.getFileName().toString(), Files.getLastModifiedTime(file));
      }
    }
    return times;
  }

  /** For a person: what fails and what is rejected in {@code target/report/poisoned*.png}. */
  private static void look(Path report) throws IOException, InterruptedException {
    if (Chromium.program().isEmpty()) {
      System.out.println("Nobody looks at the report: there is no Chromium in /usr/bin");
      return;
    }
    try (Chromium browser = Chromium.start(Chromium.program().get())) {
      browser.window(1280, 1000);
      browser.open(report);
      browser.screenshot(Path.of("target/report/poisoned.png"));
      browser.value("document.getElementById('rejects').scrollIntoView({behavior: 'instant'})");
      browser.screenshot(Path.of("target/report/poisoned-rejects.png"));
      browser.value(
          "document.querySelector('.left-out').closest('article').scrollIntoView({behavior: 'instant'})");
      browser.screenshot(Path.of("target/report/poisoned-subject.png"));
      assertThat(browser.complaints()).isEmpty();
    }
  }

  @Test
  void aSubjectThatDivergesStopsItsBatchWhereThatIsWanted() throws IOException {
    subjects(30);

    Result result =
        train(
            Map.of(
                "tuneqdm.run.fail-fast", "true",
                "tuneqdm.data.names", "s13," + DIVERGING,
                "tuneqdm.tuning.steps", "12"));

    assertThat(result.failures()).containsOnlyKeys(DIVERGING);
    assertThat(result.trained()).isEmpty();
    assertThat(result.exitCode()).isEqualTo(ExitCode.ALL_SUBJECTS_FAILED);
  }

  /** Three of them poisoned, each in another way. */
  private void subjects(int count) throws IOException {
    StringBuilder table = new StringBuilder("name,class,learning-rate\n");
    for (int i = 0; i < count; i++) {
      String name = "s%02d".formatted(i);
      Path folder = Files.createDirectories(storage.resolve("data").resolve(name));
      table.append(name).append(",mug,").append(name.equals(DIVERGING) ? "1e30" : "").append('\n');
      if (name.equals(CORRUPT)) {
        Files.write(folder.resolve("0.png"), new byte[] {1, 2, 3});
      } else if (!name.equals(WITHOUT_PHOTOS)) {
        Files.copy(PHOTO, folder.resolve("0.png"));
      }
      if (name.equals(WITH_A_REJECT)) {
        Files.write(folder.resolve(REJECTED), new byte[] {1, 2, 3});
      }
    }
    Files.writeString(storage.resolve("data/subjects.csv"), table);
    Files.writeString(storage.resolve("prompts.txt"), "a photo of a {0} {1}\n");
  }

  private Result train(Map<String, String> more) {
    TuneQdmConfig config = config(more);
    SparkTests.Master master = SparkTests.Master.local();
    try (master;
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      return new TrainAllSubjectsJob(config, spark, SparkTests.nowhere(), SparkTests.nowhere())
          .run();
    }
  }

  private Path report() {
    TuneQdmConfig config = config(Map.of());
    SparkTests.Master master = SparkTests.Master.local();
    try (master;
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      EvaluateJob.Result result =
          new EvaluateJob(config, spark, SparkTests.nowhere()).run(RunFolder.find(config));
      assertThat(result.exitCode()).isEqualTo(ExitCode.SOME_SUBJECTS_FAILED);
      return Path.of(URI.create(result.report()));
    }
  }

  private TuneQdmConfig config(Map<String, String> more) {
    Map<String, String> settings = new HashMap<>();
    settings.put("tuneqdm.data.subjects", storage.resolve("data").toString());
    settings.put("tuneqdm.data.names", "");
    settings.put("tuneqdm.tuning.parametrization", "absolute"); // such a rate is then infinite
    settings.put("tuneqdm.tuning.steps", "3");
    settings.put("tuneqdm.tuning.batch-size", "1");
    settings.put("tuneqdm.tuning.subjects-per-batch", "3");
    settings.put("tuneqdm.evaluate.prompts", storage.resolve("prompts.txt").toString());
    settings.put("tuneqdm.evaluate.images-per-prompt", "1");
    settings.put("tuneqdm.evaluate.steps", "1");
    settings.putAll(more);
    return SparkTests.config(storage, settings);
  }

  private static String printed(Result result) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    TrainingSummary.print(result, new PrintStream(bytes, true, StandardCharsets.UTF_8));
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
