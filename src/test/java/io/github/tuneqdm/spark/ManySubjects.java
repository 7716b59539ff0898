package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Limits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Any number of subjects with one photo each, and tiny training of them. */
final class ManySubjects {
  private static final Path PHOTO = Path.of("src/demo/toyworld/subjects/mug1/0.png");

  private ManySubjects() {}

  static Path create(Path folder, int count) throws IOException {
    StringBuilder table = new StringBuilder("name,class\n");
    for (int i = 0; i < count; i++) {
      String name = "s%04d".formatted(i);
      table.append(name).append(",mug\n");
      Files.copy(PHOTO, Files.createDirectories(folder.resolve(name)).resolve("0.png"));
    }
    Files.writeString(folder.resolve("subjects.csv"), table);
    return folder;
  }

  /** One step of one image. */
  static TuneQdmConfig config(Path storage, Path data, int subjectsPerBatch) {
    Map<String, String> settings = new HashMap<>();
    settings.put("tuneqdm.data.subjects", data.toString());
    settings.put("tuneqdm.data.names", "");
    settings.put("tuneqdm.data.resolution", "32");
    settings.put("tuneqdm.device.threads", "1"); // two executors share two cores
    settings.put("tuneqdm.tuning.steps", "1");
    settings.put("tuneqdm.tuning.experts", "1");
    settings.put("tuneqdm.tuning.batch-size", "1");
    settings.put("tuneqdm.tuning.subjects-per-batch", Integer.toString(subjectsPerBatch));
    return SparkTests.config(storage, settings);
  }

  static TrainAllSubjectsJob job(TuneQdmConfig config, OnDemandSpark spark, Limits limits) {
    return new TrainAllSubjectsJob(
        config, spark, SparkTests.nowhere(), SparkTests.nowhere(), limits);
  }

  /** Bytes of the heap that are in use once everything unreachable is gone. */
  static long liveHeap() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }
}
