package io.github.tuneqdm.spark;

import io.github.tuneqdm.cli.Main;
import io.github.tuneqdm.config.TuneQdmConfig;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/** What tests share that kill real processes at work. */
final class Killing {
  private static final long PATIENCE_SECONDS = 240;

  private Killing() {}

  /** Three subjects, each a batch of its own, with a state after every step. */
  static Map<String, String> training(int steps) {
    Map<String, String> settings = new HashMap<>();
    settings.put("tuneqdm.data.names", "ball1,cube1,mug1");
    settings.put("tuneqdm.tuning.steps", Integer.toString(steps));
    settings.put("tuneqdm.tuning.batch-size", "1");
    settings.put("tuneqdm.tuning.subjects-per-batch", "1");
    settings.put("tuneqdm.checkpoint.every-steps", "1");
    settings.put("tuneqdm.device.threads", "1");
    return settings;
  }

  /** A cluster that gives up neither a task nor an application because executors die. */
  static SparkTests.Master cluster() throws IOException {
    return SparkTests.Master.cluster()
        .with(Map.of("spark.task.maxFailures", "100", "spark.deploy.maxExecutorRetries", "-1"));
  }

  static TrainAllSubjectsJob.Result train(TuneQdmConfig config, OnDemandSpark spark) {
    return new TrainAllSubjectsJob(config, spark, SparkTests.nowhere(), SparkTests.nowhere()).run();
  }

  /** Trains on this JVM, undisturbed, and returns what a run's subjects must be to the byte. */
  static Map<String, String> undisturbed(Path storage, Map<String, String> settings)
      throws IOException {
    TuneQdmConfig config = SparkTests.config(storage, settings);
    SparkTests.Master master = SparkTests.Master.local();
    try (master;
        OnDemandSpark spark = new OnDemandSpark("undisturbed", config)) {
      train(config, spark);
    }
    return subjects(storage);
  }

  /** Hashes of the published files of the one run's subjects; attempts left behind do not count. */
  static Map<String, String> subjects(Path storage) throws IOException {
    Map<String, String> hashes = new TreeMap<>(SparkTests.hashes(run(storage).resolve("subjects")));
    hashes.keySet().removeIf(file -> Path.of(file).getFileName().toString().startsWith("."));
    return hashes;
  }

  /** The folder of the one run. */
  static Path run(Path storage) throws IOException {
    try (Stream<Path> runs = Files.list(storage.resolve("runs"))) {
      return runs.toList().get(0);
    }
  }

  /** All files of the one run whose path holds a text; none where there is no run yet. */
  static List<Path> files(Path storage, String text) {
    if (!Files.isDirectory(storage.resolve("runs"))) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(storage.resolve("runs"))) {
      return files.filter(file -> file.toString().contains(text)).toList();
    } catch (IOException | java.io.UncheckedIOException e) {
      return List.of(); // a folder went while it was read: look again later
    }
  }

  /** Another driver takes what a lease is for away from its holder; returns that driver. */
  static DriverProcess takeOver(LeaseFiles lease) throws InterruptedException {
    DriverProcess other = DriverProcess.current();
    await(
        () -> {
          long next = lease.current().orElseThrow().number() + 1;
          return lease.create(new LeaseFiles.Lease(next, other, Instant.now().plusSeconds(60)));
        });
    return other;
  }

  /** Inode and time of every file of the subjects that are done. */
  static Map<String, Object> identities(Path storage) throws IOException {
    Map<String, Object> identities = new TreeMap<>();
    for (Path status : files(storage, "/status.json")) {
      try (Stream<Path> files = Files.list(status.getParent())) {
        for (Path file : files.toList()) {
          identities.put(
              file.toString(),
              Files.getAttribute(file, "unix:ino") + " " + Files.getLastModifiedTime(file));
        }
      }
    }
    return identities;
  }

  static void await(BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("what was waited for did not come in " + PATIENCE_SECONDS + " s");
      }
      Thread.sleep(5);
    }
  }

  /** The executors' JVMs that this JVM's cluster runs now. */
  static List<ProcessHandle> executors() {
    return ProcessHandle.current().descendants().filter(Killing::isExecutor).toList();
  }

  /** Java cannot be asked for long command lines. */
  private static boolean isExecutor(ProcessHandle process) {
    try {
      return Files.readString(Path.of("/proc/" + process.pid() + "/cmdline"))
          .contains("CoarseGrainedExecutorBackend");
    } catch (IOException e) {
      return false; // it ended
    }
  }

  /** The command in a JVM of its own, on a local master, its output in a file. */
  static Process driver(Path storage, Path output, Map<String, String> settings)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> !option.startsWith("-Dlog4j2."))
        .forEach(command::add);
    command.add("-Dlog4j2.configurationFile=src/test/resources/log4j2-training.properties");
    command.add("-Dspark.master=local[2]");
    command.add("-Dspark.ui.enabled=false");
    command.add("-Dspark.driver.host=127.0.0.1");
    command.add("-Dtuneqdm.demo.dir=src/demo/toyworld");
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(Main.class.getName());
    command.add("train-all-subjects");
    command.add("--config");
    command.add("conf/toyworld.conf");
    Map<String, String> all = new TreeMap<>(settings);
    all.put("tuneqdm.storage.runs", storage.resolve("runs").toString());
    all.put("tuneqdm.storage.bases", storage.resolve("bases").toString());
    all.forEach((key, value) -> command.addAll(List.of("-D", key + "=" + value)));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(output.toFile())
        .start();
  }
}
