package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.parallel.Ahead;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Counts;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Limits;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Result;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ThousandSubjectsTest {
  private static final int SUBJECTS = 1_000;
  private static final int TOGETHER = 50;
  private static final int BATCHES = SUBJECTS / TOGETHER;
  private static final int EXECUTORS = 2;

  /** What scheduling and publishing may take beside training. */
  private static final double MOST_SECONDS_A_SUBJECT = 0.050;

  private static final long MOST_HEAP_GROWTH = 16 << 20;

  @TempDir Path storage;

  /** How long tasks ran, and the driver's live heap after a tenth of them and after all. */
  private static final class Probe extends SparkListener {
    private int ended;
    private double taskSeconds;
    private long heapAfterTenth;
    private long heapAfterAll;

    @Override
    public synchronized void onTaskEnd(SparkListenerTaskEnd task) {
      ended++;
      taskSeconds += task.taskMetrics().executorRunTime() * 1e-3;
      if (ended == BATCHES / 10) {
        heapAfterTenth = ManySubjects.liveHeap();
      } else if (ended == BATCHES) {
        heapAfterAll = ManySubjects.liveHeap();
        notifyAll();
      }
    }

    synchronized void awaitAll() throws InterruptedException {
      while (ended < BATCHES) {
        wait();
      }
    }
  }

  @Test
  void schedulingAndPublishingAreCheapAndTheDriversHeapStaysFlat()
      throws IOException, InterruptedException {
    Path data = ManySubjects.create(storage.resolve("data"), SUBJECTS);
    TuneQdmConfig config = ManySubjects.config(storage, data, TOGETHER);
    SparkTests.Master master = SparkTests.Master.cluster();
    try (master;
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      new QuantizeBaseJob(config, spark, SparkTests.nowhere()).run(); // executors are up then
      Probe probe = new Probe();
      spark.get().context().sc().addSparkListener(probe);

      long start = System.nanoTime();
      Result result = ManySubjects.job(config, spark, Limits.USUAL).run();
      double seconds = (System.nanoTime() - start) * 1e-9;

      assertThat(result.counts()).isEqualTo(new Counts(SUBJECTS, 0, 0));
      probe.awaitAll();
      double scheduling = (seconds - probe.taskSeconds / EXECUTORS) / SUBJECTS;
      double publishing = secondsToPublish(result.runId());
      System.out.printf(
          "a subject: scheduling %.1f ms, publishing %.1f ms; driver heap %.1f MB, then %.1f MB%n",
          scheduling * 1e3, publishing * 1e3, probe.heapAfterTenth / 1e6, probe.heapAfterAll / 1e6);
      assertThat(scheduling + publishing).isLessThan(MOST_SECONDS_A_SUBJECT);
      assertThat(probe.heapAfterAll - probe.heapAfterTenth).isLessThan(MOST_HEAP_GROWTH);

      Result again = ManySubjects.job(config, spark, Limits.USUAL).run();
      assertThat(again.counts()).isEqualTo(new Counts(0, SUBJECTS, 0));
    }
  }

  /** Of one subject among a hundred, published as a batch's task does. */
  private double secondsToPublish(String runId) {
    RunFolder run = RunFolder.of(storage.resolve("runs").toString(), runId, new Configuration());
    RunFolder other = RunFolder.of(storage.toString(), "published", new Configuration());
    List<TrainedSubject> subjects =
        IntStream.range(0, SUBJECTS / 10)
            .mapToObj("s%04d"::formatted)
            .map(
                name ->
                    new TrainedSubject(
                        name,
                        pieces(run.read("subjects/" + name + "/deltas.safetensors")),
                        1,
                        run.readSteps(name),
                        List.of()))
            .toList();
    long start = System.nanoTime();
    Ahead.all(subjects, other::publish);
    return (System.nanoTime() - start) * 1e-9 / subjects.size();
  }

  /** Length, header and the rest, as a writer hands them out. */
  private static List<ByteBuffer> pieces(byte[] file) {
    int header = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
    return List.of(
        ByteBuffer.wrap(file, 0, 8).slice(),
        ByteBuffer.wrap(file, 8, header).slice(),
        ByteBuffer.wrap(file, 8 + header, file.length - 8 - header).slice());
  }
}
