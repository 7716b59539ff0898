package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.spark.DoctorReport.Row;
import io.github.tuneqdm.spark.doctor.CacheProbe;
import io.github.tuneqdm.spark.doctor.ClockProbe;
import io.github.tuneqdm.spark.doctor.EngineProbe;
import io.github.tuneqdm.spark.doctor.Finding;
import io.github.tuneqdm.spark.doctor.MachineProbe;
import io.github.tuneqdm.spark.doctor.StorageProbe;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.EngineCache;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkBuildInfo;
import org.apache.spark.SparkEnv;

/**
 * Looks at everything a job will need, on the driver and on each executor, and changes nothing: are
 * Java, engine, GPU, storage, models, clock and caches as they must be?
 */
public final class DoctorJob {
  private static final String NAME = "doctor";
  private static final String SPARK = "4.";
  private static final long MODEL_COPIES = 4L << 30;
  private static final String RUNS = "tuneqdm.storage.runs";
  private static final String BASES = "tuneqdm.storage.bases";

  private final TuneQdmConfig config;
  private final OnDemandSpark spark;
  private final String token = ".doctor-" + UUID.randomUUID();

  public DoctorJob(TuneQdmConfig config, OnDemandSpark spark) {
    this.config = config;
    this.spark = spark;
  }

  /** What a task saw on its executor. */
  private record Visit(String executor, List<Finding> findings) implements Serializable {}

  public DoctorReport run() {
    Configuration hadoop = SparkApplication.hadoopConfiguration();
    StorageProbe storage = new StorageProbe(hadoop);
    List<Row> rows = new ArrayList<>();
    Map<String, String> folders = new LinkedHashMap<>();
    folders.put(RUNS, config.storageRuns());
    folders.put(BASES, config.storageBases());
    Map<String, Boolean> wasThere = new LinkedHashMap<>();
    folders.forEach((key, folder) -> wasThere.put(key, exists(storage, folder)));
    try {
      machine(config, hadoop, token + "-driver").forEach(f -> rows.add(new Row("driver", f)));
      inputs(storage).forEach(f -> rows.add(new Row("driver", f)));
      EngineSeats.prepare(config.deviceThreads());
      rows.addAll(executors(storage, folders));
    } finally {
      folders.forEach((key, folder) -> takeAway(storage, folder, !wasThere.get(key)));
    }
    return new DoctorReport(rows);
  }

  private static boolean exists(StorageProbe storage, String folder) {
    try {
      return storage.exists(folder);
    } catch (IOException | TuneQdmException e) {
      return true; // the probe of the folder says what is wrong with it
    }
  }

  private void takeAway(StorageProbe storage, String folder, boolean folderToo) {
    try {
      storage.takeAway(folder, token, folderToo);
    } catch (IOException | TuneQdmException e) {
      return; // what cannot be deleted was reported when it could not be written
    }
  }

  /** What must be right on every machine. */
  private static List<Finding> machine(
      TuneQdmConfig config, Configuration hadoop, String fileName) {
    StorageProbe storage = new StorageProbe(hadoop);
    List<Finding> findings = new ArrayList<>(MachineProbe.findings());
    findings.add(sparkVersion());
    EngineCache engine = EngineCache.ofThisProcess();
    findings.add(
        CacheProbe.of("engine cache", engine.folder(), EngineCache.VARIABLE, engine.needed()));
    findings.addAll(storage.writable("runs", RUNS, config.storageRuns(), fileName));
    findings.addAll(storage.writable("bases", BASES, config.storageBases(), fileName));
    findings.add(
        model(
            storage,
            "base model",
            "tuneqdm.model.base",
            config::modelBase,
            List.of(
                "unet/config.json",
                "vae/config.json",
                "text_encoder/config.json",
                "tokenizer",
                "scheduler/scheduler_config.json")));
    List<String> encoder = List.of("config.json");
    findings.add(model(storage, "DINO", "tuneqdm.model.dino", config::modelDino, encoder));
    findings.add(model(storage, "CLIP", "tuneqdm.model.clip", config::modelClip, encoder));
    return findings;
  }

  private static Finding model(
      StorageProbe storage,
      String check,
      String key,
      Supplier<String> folder,
      List<String> required) {
    try {
      return storage.readable(check, key, folder.get(), required);
    } catch (TuneQdmException e) {
      return Finding.fail(check, e); // the key is not set
    }
  }

  private static Finding sparkVersion() {
    String version = SparkBuildInfo.spark_version();
    return version.startsWith(SPARK)
        ? Finding.ok("spark", version)
        : Finding.fail("spark", version, "use Spark 4 (SPARK_HOME), or unset SPARK_HOME");
  }

  /** What the driver alone reads. */
  private List<Finding> inputs(StorageProbe storage) {
    return List.of(
        CacheProbe.of("model cache", LocalFolders.cache(), LocalFolders.VARIABLE, MODEL_COPIES),
        model(storage, "subjects", "tuneqdm.data.subjects", config::dataSubjects, List.of()),
        config
            .evaluatePrompts()
            .map(
                file ->
                    model(storage, "prompts", "tuneqdm.evaluate.prompts", () -> file, List.of()))
            .orElseGet(this::ownPrompts));
  }

  private Finding ownPrompts() {
    try {
      EvaluationPrompts.read(config, SparkApplication.hadoopConfiguration());
      return Finding.ok("prompts", "of the data folder's " + DreamBoothFile.NAME);
    } catch (TuneQdmException e) {
      return Finding.fail("prompts", e);
    }
  }

  private List<Row> executors(StorageProbe storage, Map<String, String> folders) {
    List<Row> rows = new ArrayList<>();
    try {
      SparkApplication application = spark.get();
      if (application.isLocal()) {
        // Tasks run in the driver, on this machine: what is left is the device.
        TuneQdmConfig settings = config;
        application
            .fanOut(
                NAME,
                "try the engine",
                DeviceDemand.ENGINE,
                List.of(0),
                (input, environment) -> EngineProbe.of(() -> environment.compute(settings)))
            .forEach(finding -> rows.add(new Row("driver", finding)));
        return rows;
      }
      rows.add(new Row("driver", EngineProbe.of(() -> Compute.cpu(config.deviceThreads()))));
      for (String folder : folders.values()) {
        storage.leave(folder, token);
      }
      Map<String, String> hosts = application.awaitExecutors();
      rows.add(new Row("driver", registered(hosts)));
      List<Visit> visits = visit(application, hosts);
      for (Visit visit : visits) {
        String where = where(visit.executor(), hosts);
        visit.findings().forEach(finding -> rows.add(new Row(where, finding)));
      }
      rows.addAll(clocks(application, hosts));
      hosts.keySet().stream()
          .filter(id -> visits.stream().noneMatch(visit -> visit.executor().equals(id)))
          .forEach(
              id ->
                  rows.add(
                      new Row(
                          where(id, hosts),
                          Finding.warn(
                              "executor", "no task got there", "try again on an idle cluster"))));
    } catch (IOException | RuntimeException e) {
      rows.add(new Row("executors", Finding.fail("tasks", e)));
    }
    return rows;
  }

  private static Finding registered(Map<String, String> hosts) {
    return hosts.isEmpty()
        ? Finding.fail(
            "executors",
            "none has registered",
            "look at the cluster manager's page: has it the cores, memory and GPUs that"
                + " spark.executor.* ask for?")
        : Finding.ok("executors", hosts.size() + " registered");
  }

  private static String where(String executor, Map<String, String> hosts) {
    return "executor %s on %s".formatted(executor, hosts.getOrDefault(executor, "?"));
  }

  private List<Visit> visit(SparkApplication application, Map<String, String> hosts) {
    TuneQdmConfig settings = config;
    String name = token;
    return application.onEach(
        hosts,
        NAME,
        "look at %d executors".formatted(hosts.size()),
        DeviceDemand.ENGINE,
        (executor, environment) -> {
          Configuration hadoop = environment.hadoop();
          String here = SparkEnv.get().executorId();
          List<Finding> findings = machine(settings, hadoop, name + "-" + here);
          StorageProbe own = new StorageProbe(hadoop);
          findings.add(own.shared("runs", RUNS, settings.storageRuns(), name));
          findings.add(own.shared("bases", BASES, settings.storageBases(), name));
          findings.add(
              CacheProbe.of(
                  "model cache", LocalFolders.cache(), LocalFolders.VARIABLE, MODEL_COPIES));
          findings.add(EngineProbe.of(() -> environment.compute(settings)));
          return new Visit(here, findings);
        });
  }

  /** Tasks that do nothing else: the shorter they take, the more exact the comparison. */
  private static List<Row> clocks(SparkApplication application, Map<String, String> hosts) {
    record Reading(String executor, long millis) implements Serializable {}
    long before = System.currentTimeMillis();
    List<Reading> readings =
        application.onEach(
            hosts,
            NAME,
            "read the clocks of %d executors".formatted(hosts.size()),
            DeviceDemand.NONE,
            (executor, environment) ->
                new Reading(SparkEnv.get().executorId(), System.currentTimeMillis()));
    long after = System.currentTimeMillis();
    return readings.stream()
        .map(
            reading ->
                new Row(
                    where(reading.executor, hosts),
                    ClockProbe.of("this executor's clock", before, after, reading.millis, 0)))
        .toList();
  }
}
