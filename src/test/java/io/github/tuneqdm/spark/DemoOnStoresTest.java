package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.stores.BadConnection;
import io.github.tuneqdm.stores.Hdfs;
import io.github.tuneqdm.stores.S3Server;
import io.github.tuneqdm.stores.Stores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FileUtil;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The demo of two subjects, trained and evaluated, has the same bytes wherever it lies. */
@ExtendWith(Stores.class)
class DemoOnStoresTest {
  /** What says where it lies, when it was made, or that a job that could not end well held it. */
  private static final Pattern OF_ITS_PLACE =
      Pattern.compile(".*/(run\\.(conf|json)|index\\.html|lease/\\d+\\.json)");

  private static final int LEASE_SECONDS = 20;

  private static final Path DEMO = Path.of("src/demo/toyworld").toAbsolutePath();

  @TempDir static Path local;
  private static Path prompts;
  private static Map<String, String> onDisk;

  @BeforeAll
  static void runOnDisk() throws IOException {
    prompts = Files.writeString(local.resolve("prompts.txt"), "a photo of a {0} {1}\n");
    Path storage = Files.createDirectory(local.resolve("disk"));
    assertThat(demo(storage.toUri().toString(), Map.of(), Map.of())).isEqualTo(ExitCode.DONE);
    onDisk = comparable(storage);
    assertThat(onDisk)
        .hasSizeGreaterThan(15)
        .containsKey("runs/scored/pictures.parquet")
        .anySatisfy((name, hash) -> assertThat(name).endsWith("images/mug1/00-4242.png"));
  }

  @Test
  void onHdfs(Hdfs hdfs) throws IOException {
    assertSameFrom(hdfs.address() + "/demo", hdfs.settings());
  }

  @Test
  void onS3(S3Server s3) throws IOException {
    s3.bucket("demo");
    assertSameFrom("s3a://demo/nightly", s3.settings("demo"));
  }

  /** Model, encoders, subjects and prompts too lie on the store. */
  private static void assertSameFrom(String storage, Map<String, String> hadoop)
      throws IOException {
    FileSystem fs = fileSystem(storage, hadoop);
    fs.mkdirs(at(storage, "input"));
    for (Path input : new Path[] {DEMO, prompts}) {
      assertThat(FileUtil.copy(input.toFile(), fs, at(storage, "input"), false, fs.getConf()))
          .isTrue();
    }
    String inputs = storage + "/input/toyworld/";
    Map<String, String> settings = new HashMap<>();
    settings.put("tuneqdm.model.base", inputs + "base");
    settings.put("tuneqdm.model.dino", inputs + "dino");
    settings.put("tuneqdm.model.clip", inputs + "clip");
    settings.put("tuneqdm.data.subjects", inputs + "subjects");
    settings.put("tuneqdm.evaluate.prompts", storage + "/input/prompts.txt");

    assertThat(demo(storage, settings, hadoop)).isEqualTo(ExitCode.DONE);
    assertThat(comparable(download(fs, storage))).isEqualTo(onDisk);
  }

  @Test
  void onAnS3ThatFailsItIsWholeOrAbsentAndTheSameInTheEnd(S3Server s3) throws Exception {
    Path bucket = s3.bucket("bad-night");
    try (BadConnection bad = BadConnection.to(s3.port(), 11)) {
      Map<String, String> hadoop = s3.settings("bad-night", bad.port());
      for (double part : new double[] {0.1, 0.4, 0.8}) {
        bad.spoil(part);
        assertThat(demo("s3a://bad-night", Map.of(), hadoop))
            .isIn(ExitCode.DONE, ExitCode.ENVIRONMENT);
        assertThat(onDisk).containsAllEntriesOf(comparable(bucket));
      }
      assertThat(bad.faults()).containsOnlyKeys(BadConnection.Fault.values());

      bad.spoil(0);
      Thread.sleep(1000L * LEASE_SECONDS); // a job that the store failed to the end left its lease
      assertThat(demo("s3a://bad-night", Map.of(), hadoop)).isEqualTo(ExitCode.DONE);
      assertThat(comparable(bucket)).isEqualTo(onDisk);
    }
  }

  /**
   * Trains, evaluates and scores the pictures once more; a failure of the environment is a status,
   * as it is for the shell.
   */
  private static ExitCode demo(
      String storage, Map<String, String> more, Map<String, String> hadoop) {
    Map<String, String> settings = SparkTests.tinyTraining(more);
    settings.put("tuneqdm.storage.runs", storage + "/runs");
    settings.put("tuneqdm.storage.bases", storage + "/bases");
    settings.putIfAbsent("tuneqdm.evaluate.prompts", prompts.toString());
    settings.put("tuneqdm.evaluate.steps", "2");
    settings.put("tuneqdm.storage.lease-seconds", Integer.toString(LEASE_SECONDS));
    TuneQdmConfig config = SparkTests.config(local, settings);
    SparkTests.Master master = SparkTests.Master.local().withHadoop(hadoop);
    try (master;
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      TrainAllSubjectsJob.Result trained =
          new TrainAllSubjectsJob(config, spark, SparkTests.nowhere(), SparkTests.nowhere()).run();
      if (trained.exitCode() != ExitCode.DONE) {
        return trained.exitCode();
      }
      RunFolder run = RunFolder.find(config);
      ExitCode evaluated = new EvaluateJob(config, spark, SparkTests.nowhere()).run(run).exitCode();
      new ScoreImagesJob(config, spark, SparkTests.nowhere())
          .run(
              new ScoreImagesRequest(
                  run.path("images/mug1").toString(),
                  Optional.of(config.dataSubjects() + "/mug1"),
                  Optional.of("a photo of a mug"),
                  Optional.empty(),
                  Optional.empty(),
                  Optional.empty(),
                  Optional.of(storage + "/runs/scored")));
      return evaluated;
    } catch (Exception e) { // Spark throws checked ones that it does not declare
      return foreseen(e).exitCode();
    }
  }

  /** Ours, under what Spark wrapped it in. */
  private static TuneQdmException foreseen(Exception failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof TuneQdmException ours) {
        assertThat(ours.getMessage()).startsWith("Cannot ").doesNotContain("\n");
        return ours;
      }
    }
    throw new AssertionError(failure);
  }

  private static Map<String, String> comparable(Path storage) throws IOException {
    Map<String, String> hashes = SparkTests.hashes(storage);
    hashes
        .keySet()
        .removeIf(
            name ->
                !(name.startsWith("runs/") || name.startsWith("bases/"))
                    || OF_ITS_PLACE.matcher(name).matches());
    return hashes;
  }

  private static FileSystem fileSystem(String storage, Map<String, String> hadoop) {
    Configuration configuration = S3Server.configuration(hadoop);
    return Publisher.fileSystem(new org.apache.hadoop.fs.Path(storage), configuration);
  }

  private static org.apache.hadoop.fs.Path at(String storage, String name) {
    return new org.apache.hadoop.fs.Path(storage + "/" + name);
  }

  private static Path download(FileSystem fs, String storage) throws IOException {
    Path copy = Files.createTempDirectory(local, "copy");
    for (String part : new String[] {"runs", "bases"}) {
      FileUtil.copy(
          fs, at(storage, part), copy.resolve(part).toFile(), false, new Configuration(false));
    }
    return copy;
  }
}
