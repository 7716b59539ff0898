package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Counts;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Limits;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Result;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.tuning.SubjectOverrides;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LargeRunTest {
  private static final Limits TWO_BY_TWO = new Limits(2, 2);
  private static final int MILLION = 1_000_000;
  private static final long MEBI = 1 << 20;

  @TempDir Path storage;

  @Test
  void aRunPlannedInATableTrainsTheSameBytesInWaves() throws IOException {
    Path data = ManySubjects.create(storage.resolve("data"), 5);
    Result listed = train(storage.resolve("listed"), data, Limits.USUAL);

    Result large = train(storage.resolve("large"), data, TWO_BY_TWO);

    assertThat(large.runId()).isEqualTo(listed.runId());
    assertThat(large.counts()).isEqualTo(new Counts(5, 0, 0));
    assertThat(SparkTests.hashes(folder(large).resolve("subjects")))
        .isEqualTo(SparkTests.hashes(folder(listed).resolve("subjects")));
    assertThat(folder(large).resolve("plan.json"))
        .content()
        .contains("\"subjects\" : 5", "\"batches\" : 3", "plan.parquet")
        .doesNotContain("s0000");

    Files.delete(folder(large).resolve("subjects/s0003/status.json"));
    Result again = train(storage.resolve("large"), data, TWO_BY_TWO);
    assertThat(again.trained()).containsExactly("s0003");
    assertThat(again.counts()).isEqualTo(new Counts(1, 4, 0));

    assertThatThrownBy(() -> evaluate(storage.resolve("large"), data))
        .hasMessageContaining("Cannot evaluate all 5 subjects of run " + large.runId())
        .hasMessageContaining("tuneqdm.data.names");
  }

  @Test
  void aSubjectReadsBackFromTheTableAsItWas() {
    SubjectEntry subject =
        new SubjectEntry(
            "mug1",
            "mug",
            "sks",
            "a \"photo\" of a sks mug",
            List.of(new SubjectEntry.Photo("hdfs://h/a b\n.png", "0f"), photo(7)),
            new SubjectOverrides(
                Map.of(
                    SubjectOverrides.Key.LEARNING_RATE, new BigDecimal("1E+30"),
                    SubjectOverrides.Key.SEED, new BigDecimal("-7"))));

    assertThat(PlannedSubject.of(3, subject).entry()).isEqualTo(subject);
  }

  @Test
  void aMillionSubjectsArePlannedAndReadInAFewMegabytesOfHeap() throws IOException {
    long before = ManySubjects.liveHeap();
    try (PlanTable.Draft draft =
        new PlanTable.Draft(Packer.of(TuneQdmConfig.defaults(), MILLION))) {
      for (int i = 0; i < MILLION; i++) {
        draft.add(
            new SubjectEntry(
                "subject-%07d".formatted(i),
                "dog",
                "sks",
                "a photo of a sks dog",
                List.of(photo(5 * i), photo(5 * i + 1), photo(5 * i + 2), photo(5 * i + 3)),
                SubjectOverrides.NONE));
        if (i == MILLION / 2) {
          assertThat(ManySubjects.liveHeap() - before).isLessThan(64 * MEBI);
        }
      }
      Path file = draft.finished();
      org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path(file.toUri());
      FileSystem fs = Publisher.fileSystem(path, new Configuration());
      int subjects = 0;
      int waves = 0;
      try (Batches batches = PlanTable.read(fs, path)) {
        while (batches.hasNext()) {
          List<Batch> wave = batches.next(Limits.USUAL.batchesAWave());
          subjects += wave.stream().mapToInt(batch -> batch.members().size()).sum();
          waves++;
          if (waves % 100 == 0) {
            assertThat(ManySubjects.liveHeap() - before).isLessThan(64 * MEBI);
          }
        }
      }
      assertThat(subjects).isEqualTo(MILLION);
      assertThat(waves).isEqualTo(250);
    }
  }

  private static SubjectEntry.Photo photo(int number) {
    SplittableRandom random = new SplittableRandom(number); // as hashes are
    String digits =
        "%016x%016x%016x%016x"
            .formatted(random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
    return new SubjectEntry.Photo(
        "hdfs://namenode/data/subjects/subject-%07d/%d.jpg".formatted(number / 5, number % 5),
        digits);
  }

  private static Path folder(Result result) {
    return Path.of(URI.create(result.folder()));
  }

  private static Result train(Path storage, Path data, Limits limits) {
    TuneQdmConfig config = ManySubjects.config(storage, data, 2);
    SparkTests.Master master = SparkTests.Master.local();
    try (master;
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      return ManySubjects.job(config, spark, limits).run();
    }
  }

  private static void evaluate(Path storage, Path data) {
    TuneQdmConfig config = ManySubjects.config(storage, data, 2);
    try (OnDemandSpark spark = new OnDemandSpark("test", config)) {
      new EvaluateJob(config, spark, SparkTests.nowhere()).run(RunFolder.find(config));
    }
  }
}
