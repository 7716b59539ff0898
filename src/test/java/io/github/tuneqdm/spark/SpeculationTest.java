package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Spark copies a task only onto another host, so there are two. */
class SpeculationTest {
  private static final int LONGEST_WAIT = 600;

  @TempDir Path storage;

  @Test
  void aCopyAndALateOriginalPublishOneResult() throws Exception {
    Map<String, String> undisturbed = train(SparkTests.Master.local(), storage.resolve("local"));

    Path runs = storage.resolve("cluster/runs");
    TuneQdmConfig config = config(storage.resolve("cluster"));
    StandaloneCluster cluster =
        StandaloneCluster.start(storage.resolve("spark"), "127.0.0.2", LateDisk.SLOW_HOST);
    SparkTests.Master master =
        SparkTests.Master.speculating(cluster)
            .withHadoop(
                Map.of(
                    "fs.file.impl",
                    LateDisk.class.getName(),
                    "fs.file.impl.disable.cache",
                    "true"));
    try (cluster;
        master;
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      Result result =
          new TrainAllSubjectsJob(config, spark, SparkTests.nowhere(), SparkTests.nowhere()).run();
      assertThat(result.trained()).containsExactly("ball1", "mug1");

      // The original goes on after the job has ended: until it, too, has published.
      Path subjects = runs.resolve(result.runId()).resolve("subjects");
      for (int i = 0; i < LONGEST_WAIT && !(isLate(subjects) && attempts(runs).isEmpty()); i++) {
        Thread.sleep(50);
      }
      assertThat(isLate(subjects)).isTrue();
      assertThat(attempts(runs)).isEmpty();
    }
    Map<String, String> published = SparkTests.hashes(runs);
    published
        .keySet()
        .removeIf(name -> name.matches(".*/(late-.*|arrived-.*|run\\.(conf|json)|report/.*)"));
    assertThat(published).isEqualTo(undisturbed);
  }

  private static TuneQdmConfig config(Path folder) {
    return SparkTests.config(folder, SparkTests.tinyTraining(Map.of()));
  }

  private static Map<String, String> train(SparkTests.Master master, Path folder)
      throws IOException {
    TuneQdmConfig config = config(folder);
    try (master;
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      new TrainAllSubjectsJob(config, spark, SparkTests.nowhere(), SparkTests.nowhere()).run();
    }
    Map<String, String> hashes = new TreeMap<>(SparkTests.hashes(folder.resolve("runs")));
    hashes.keySet().removeIf(name -> name.matches(".*/(run\\.(conf|json)|report/.*)"));
    return hashes;
  }

  private static boolean isLate(Path subjects) throws IOException {
    try (Stream<Path> files = Files.list(subjects)) {
      return files.anyMatch(file -> file.getFileName().toString().startsWith("late-"));
    }
  }

  private static List<Path> attempts(Path runs) throws IOException {
    List<Path> attempts = new ArrayList<>();
    try (Stream<Path> files = Files.walk(runs)) {
      files.filter(file -> file.toString().endsWith(".tmp")).forEach(attempts::add);
    }
    return attempts;
  }
}
