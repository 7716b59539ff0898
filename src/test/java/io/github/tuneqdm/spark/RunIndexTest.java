package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.inspect.Inspector;
import io.github.tuneqdm.storage.ArtifactIndex;
import io.github.tuneqdm.storage.ArtifactIndex.Artifact;
import io.github.tuneqdm.storage.ArtifactIndex.Page;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunIndexTest {
  private static final String ID = "0123456789ab";

  @TempDir Path storage;
  private Path root;
  private RunFolder run;

  @BeforeEach
  void aRun() throws IOException {
    root = storage.resolve("runs").resolve(ID);
    write("plan.json", "{}");
    write("run.conf", "");
    write("subjects/mug1/deltas.safetensors", "scales");
    write("subjects/mug1/status.json", "done");
    write("images/mug1/00-7.png", "picture");
    write("report/thumbs/0.png", "page");
    write("report/index.html", "it took 3 s");
    write("subjects/mug1/.deltas.safetensors.1.tmp", "half");
    write("_hidden/x", "x");
    write("state/batch-0/12.state", "half way");
    write("lease/1.json", "{}");
    run = RunFolder.of(storage.resolve("runs").toString(), ID, new Configuration());
  }

  private void write(String path, String text) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private void complete(int pageSize) {
    try (SparkTests.Master master = SparkTests.Master.local();
        OnDemandSpark spark = new OnDemandSpark("test", SparkTests.config(storage, Map.of()))) {
      assertThat(master).isNotNull();
      RunIndex index = new RunIndex(run, spark, pageSize);
      index.withdraw();
      index.complete();
    }
  }

  @Test
  void everyFileIsListedWithKindLengthAndHash() throws IOException {
    complete(100);
    ArtifactIndex index = ArtifactIndex.verify(root);
    assertThat(index.run()).isEqualTo(ID);
    assertThat(index.artifacts())
        .extracting(Artifact::path, Artifact::kind)
        .map(tuple -> tuple.toList().get(0) + " " + tuple.toList().get(1))
        .containsExactly(
            "images/mug1/00-7.png image",
            "plan.json plan",
            "report/thumbs/0.png report",
            "run.conf configuration",
            "subjects/mug1/deltas.safetensors deltas",
            "subjects/mug1/status.json status");
    assertThat(index.artifacts().get(4))
        .isEqualTo(
            new Artifact(
                "subjects/mug1/deltas.safetensors",
                "deltas",
                6,
                io.github.tuneqdm.storage.Hashes.sha256("scales")));
    assertThat(index.bytes()).isEqualTo(2 + 6 + 4 + 7 + 4);

    byte[] first = Files.readAllBytes(root.resolve("run.json"));
    complete(100);
    assertThat(root.resolve("run.json")).hasBinaryContent(first);
  }

  @Test
  void aLongListIsCutIntoPagesThatTasksHash() throws IOException {
    complete(2);
    ArtifactIndex index = ArtifactIndex.verify(root);
    assertThat(index.artifacts()).isEmpty();
    assertThat(index.artifactCount()).isEqualTo(6);
    assertThat(index.pages())
        .extracting(Page::path, Page::first, Page::last)
        .map(tuple -> tuple.toList().toString())
        .containsExactly(
            "[artifacts/000000.json, images/mug1/00-7.png, plan.json]",
            "[artifacts/000001.json, report/thumbs/0.png, run.conf]",
            "[artifacts/000002.json, subjects/mug1/deltas.safetensors, subjects/mug1/status.json]");
    assertThat(root.resolve(".artifacts")).doesNotExist();

    write("subjects/mug1/status.json", "DONE");
    assertThatThrownBy(() -> ArtifactIndex.verify(root))
        .hasMessageContaining("subjects/mug1/status.json does not match its sha256");

    complete(3);
    assertThat(ArtifactIndex.verify(root).pages()).hasSize(2);
    assertThat(root.resolve("artifacts/000002.json")).doesNotExist();
  }

  @Test
  void aPageThatWasChangedIsNotBelieved() throws IOException {
    complete(2);
    Path page = root.resolve("artifacts/000001.json");
    Files.writeString(page, Files.readString(page).replace("page", "pag3"));
    write("artifacts/000001.json", Files.readString(page) + " ");
    assertThatThrownBy(() -> ArtifactIndex.verify(root))
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.INPUT_DATA))
        .hasMessageContaining("artifacts/000001.json does not match its sha256");
  }

  @Test
  void pathsThatLeaveTheFolderAreRefused() throws IOException {
    complete(100);
    String json = Files.readString(root.resolve("run.json"));
    for (String bad : new String[] {"../../secret", "/etc/passwd", "", "images/../../x"}) {
      write("run.json", json.replace("report/thumbs/0.png", bad));
      assertThatThrownBy(() -> ArtifactIndex.verify(root))
          .isInstanceOf(TuneQdmException.class)
          .hasMessageContaining("which is not in the run's folder");
    }
    write("run.json", json.substring(0, 100));
    assertThatThrownBy(() -> ArtifactIndex.verify(root))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("run.json");
  }

  @Test
  void inspectNamesWhatIsMissingOrChangedInATrainedRun() throws IOException {
    Map<String, String> settings =
        SparkTests.tinyTraining(Map.of("tuneqdm.data.names", "ball1", "tuneqdm.tuning.steps", "1"));
    TrainAllSubjectsJob.Result trained = train(settings);
    Path folder = Path.of(URI.create(trained.folder()));
    assertThat(describe(folder)).contains("all match run.json");
    Map<String, String> before = SparkTests.hashes(folder);
    train(settings);
    assertThat(SparkTests.hashes(folder)).isEqualTo(before);

    Path steps = folder.resolve("subjects/ball1/steps.parquet");
    byte[] bytes = Files.readAllBytes(steps);
    bytes[10] ^= 1;
    Files.write(steps, bytes);
    assertThatThrownBy(() -> describe(folder))
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.INPUT_DATA))
        .hasMessageContaining("subjects/ball1/steps.parquet does not match its sha256");
    Files.delete(steps);
    assertThatThrownBy(() -> describe(folder))
        .hasMessageContaining("subjects/ball1/steps.parquet is missing");
    Files.delete(folder.resolve("run.json"));
    assertThat(describe(folder)).contains("not listed");
  }

  private static String describe(Path folder) {
    return String.join("\n", Inspector.describe(folder).lines());
  }

  private TrainAllSubjectsJob.Result train(Map<String, String> settings) {
    var config = SparkTests.config(storage, settings);
    try (SparkTests.Master master = SparkTests.Master.local();
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      assertThat(master).isNotNull();
      return new TrainAllSubjectsJob(config, spark, SparkTests.nowhere(), SparkTests.nowhere())
          .run();
    }
  }
}
