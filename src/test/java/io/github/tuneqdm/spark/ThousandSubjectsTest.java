package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Counts;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Limits;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Result;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tuning.Subject;
import io.github.tuneqdm.tuning.SubjectTuner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ThousandSubjectsTest {
  private static final int SUBJECTS = 1_000;
  private static final int TOGETHER = 50;
  private static final int BATCHES = SUBJECTS / TOGETHER;

  /** What scheduling and publishing may take, whatever training itself takes. */
  private static final double MOST_SECONDS_A_SUBJECT = 0.050;

  private static final long MOST_HEAP_GROWTH = 32 << 20;

  @TempDir Path storage;

  /** The driver's live heap whenever a batch has ended; its tasks run in the same JVM. */
  private static final class HeapProbe extends SparkListener {
    private final Map<Integer, Long> byEndedTasks = new TreeMap<>();
    private int ended;

    @Override
    public synchronized void onTaskEnd(SparkListenerTaskEnd task) {
      ended++;
      if (ended % 2 == 0) {
        byEndedTasks.put(ended, ManySubjects.liveHeap());
      }
    }

    synchronized Map<Integer, Long> byEndedTasks() {
      return new TreeMap<>(byEndedTasks);
    }
  }

  @Test
  void schedulingAndPublishingAreCheapAndTheDriversHeapStaysFlat() throws IOException {
    Path data = ManySubjects.create(storage.resolve("data"), SUBJECTS);
    TuneQdmConfig config = ManySubjects.config(storage, data, TOGETHER);
    SparkTests.Master master = SparkTests.Master.local();
    try (master;
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      QuantizeBaseJob.Result base =
          new QuantizeBaseJob(config, spark, SparkTests.nowhere()).run();
      train(config, base.folder()); // the engine is warm then
      double training = BATCHES * train(config, base.folder());
      HeapProbe probe = new HeapProbe();
      spark.get().context().sc().addSparkListener(probe);

      long start = System.nanoTime();
      Result result = ManySubjects.job(config, spark, Limits.USUAL).run();
      double seconds = (System.nanoTime() - start) * 1e-9;

      assertThat(result.counts()).isEqualTo(new Counts(SUBJECTS, 0, 0));
      System.out.println("THOUSAND s " + seconds + " training " + training);
      assertThat((seconds - training) / SUBJECTS).isLessThan(MOST_SECONDS_A_SUBJECT);
      Map<Integer, Long> heap = probe.byEndedTasks();
      System.out.println("THOUSAND heap " + heap);
      assertThat(heap.get(BATCHES) - heap.get(2)).isLessThan(MOST_HEAP_GROWTH);

      start = System.nanoTime();
      Result again = ManySubjects.job(config, spark, Limits.USUAL).run();
      assertThat(again.counts()).isEqualTo(new Counts(0, SUBJECTS, 0));
      System.out.println("THOUSAND again s " + (System.nanoTime() - start) * 1e-9);
    }
    try (Stream<Path> files = Files.walk(storage.resolve("runs"))) {
      assertThat(files.filter(file -> file.endsWith("deltas.safetensors"))).hasSize(SUBJECTS);
    }
  }

  /** Seconds that one batch takes without Spark and without a run. */
  private static double train(TuneQdmConfig config, String base) {
    RgbImage photo = ImageReader.read(Path.of("src/demo/toyworld/subjects/mug1/0.png"), 1_000_000);
    List<Subject> subjects = new ArrayList<>();
    IntStream.range(0, TOGETHER)
        .forEach(
            i ->
                subjects.add(
                    new Subject(
                        "s" + i, "a photo of a sks mug", List.of(photo), "a mug", List.of())));
    long start = System.nanoTime();
    try (Compute compute = Compute.cpu(config.deviceThreads())) {
      new SubjectTuner(
              compute,
              new PipelineFolder(Path.of(config.modelBase())),
              new SubjectTuner.Network(
                  config.quantizerBits(),
                  Optional.empty(),
                  mode -> OpenBase.unet(compute, LocalFolders.of(base, new org.apache.hadoop.conf.Configuration()), mode)),
              Recipe.tuning(config))
          .tune(subjects, (step, loss) -> {});
    }
    return (System.nanoTime() - start) * 1e-9;
  }
}
