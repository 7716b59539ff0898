package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Result;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.Publisher;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskFullTest {
  @TempDir Path folder;

  @Test
  void whatIsPublishedStaysAndTheSameCommandDoesTheRest() throws Exception {
    Path roomy = Files.createDirectory(folder.resolve("roomy"));
    String runId = train(roomy).runId();
    Path subjects = Path.of("runs", runId, "subjects");
    Map<String, String> undisturbed = SparkTests.hashes(roomy.resolve(subjects));
    long deltas = Files.size(roomy.resolve(subjects).resolve("mug1/deltas.safetensors"));

    try (SmallDisk disk = SmallDisk.mount(folder.resolve("small"), 64)) {
      quantize(disk.folder());
      disk.leave(deltas * 3 / 2);
      Result full = train(disk.folder());

      assertThat(full.exitCode()).isEqualTo(ExitCode.ENVIRONMENT);
      assertThat(full.trained()).hasSize(1);
      assertThat(full.failures()).hasSize(1);
      String failed = full.failures().keySet().iterator().next();
      assertThat(full.failures().get(failed))
          .startsWith("Cannot write file:" + disk.folder().resolve(subjects).resolve(failed))
          .contains("No space left on device", "run the same command again");
      Map<String, String> left = SparkTests.hashes(disk.folder().resolve(subjects));
      assertThat(left.remove(failed + "/status.json")).isNotNull();
      assertThat(undisturbed).containsAllEntriesOf(left);
      assertThat(left.keySet()).allMatch(name -> name.startsWith(full.trained().get(0) + "/"));

      disk.free();
      Result more = train(disk.folder());
      assertThat(more.trained()).containsExactly(failed);
      assertThat(more.exitCode()).isEqualTo(ExitCode.DONE);
      assertThat(SparkTests.hashes(disk.folder().resolve(subjects))).isEqualTo(undisturbed);
    }
  }

  @Test
  void aFullDiskKeepsTheTrainingStateBefore() throws Exception {
    Map<String, String> one =
        Map.of(
            "tuneqdm.data.names", "mug1",
            "tuneqdm.tuning.steps", "4",
            "tuneqdm.checkpoint.every-steps", "1");
    Path roomy = Files.createDirectory(folder.resolve("roomy"));
    String runId = train(roomy, one).runId();
    Path subject = Path.of("runs", runId, "subjects", "mug1");
    Map<String, String> undisturbed = SparkTests.hashes(roomy.resolve(subject));
    long state =
        3 * Files.size(roomy.resolve(subject).resolve("deltas.safetensors")); // moments too

    try (SmallDisk disk = SmallDisk.mount(folder.resolve("small"), 64)) {
      quantize(disk.folder());
      disk.leave(state * 3 / 2);
      Result full = train(disk.folder(), one);

      assertThat(full.exitCode()).isEqualTo(ExitCode.ENVIRONMENT);
      Path states = disk.folder().resolve(Path.of("runs", runId, "state", "batch-0"));
      assertThat(full.failures().get("mug1"))
          .startsWith("Cannot write file:" + states + "/step-0000000")
          .contains("No space left on device");
      List<Path> kept;
      try (Stream<Path> files = Files.list(states)) {
        kept = files.toList();
      }
      assertThat(kept).hasSize(1);
      String sha256 = Hashes.sha256(Files.readAllBytes(kept.get(0)));
      assertThat(kept.get(0)).hasFileName("step-00000001-" + sha256 + ".safetensors");

      disk.free();
      assertThat(train(disk.folder(), one).exitCode()).isEqualTo(ExitCode.DONE);
      assertThat(SparkTests.hashes(disk.folder().resolve(subject))).isEqualTo(undisturbed);
    }
  }

  @Test
  void aFullDiskKeepsTheFileThatWasToBeReplaced() throws Exception {
    try (SmallDisk disk = SmallDisk.mount(folder, 1)) {
      Path file = disk.folder().resolve("run.conf");
      org.apache.hadoop.fs.Path target = new org.apache.hadoop.fs.Path(file.toUri());
      FileSystem fs = Publisher.fileSystem(target, new Configuration(false));
      Publisher.replace(fs, target, new byte[] {1, 2, 3});
      disk.leave(64 << 10);

      assertThatThrownBy(() -> Publisher.replace(fs, target, new byte[256 << 10]))
          .isInstanceOf(TuneQdmException.class)
          .hasMessageStartingWith("Cannot write file:" + file + ": ");
      assertThat(file).hasBinaryContent(new byte[] {1, 2, 3});
      assertThat(disk.names()).containsExactlyInAnyOrder("run.conf", SmallDisk.FILLER);
    }
  }

  private static void quantize(Path storage) {
    TuneQdmConfig config = config(storage);
    SparkTests.Master master = SparkTests.Master.local();
    try (master;
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      new QuantizeBaseJob(config, spark, SparkTests.nowhere()).run();
    }
  }

  private static Result train(Path storage) {
    return train(storage, Map.of());
  }

  private static Result train(Path storage, Map<String, String> more) {
    TuneQdmConfig config = SparkTests.config(storage, SparkTests.tinyTraining(more));
    SparkTests.Master master = SparkTests.Master.local();
    try (master;
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      return new TrainAllSubjectsJob(config, spark, SparkTests.nowhere(), SparkTests.nowhere())
          .run();
    }
  }

  private static TuneQdmConfig config(Path storage) {
    return SparkTests.config(storage, SparkTests.tinyTraining(Map.of()));
  }
}
