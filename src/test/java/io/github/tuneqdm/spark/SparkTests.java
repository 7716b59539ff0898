package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.ConfigLayers;
import io.github.tuneqdm.config.ConfigSource;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.storage.Hashes;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What tests of jobs share: settings of a Spark without a web page, and a look into folders. */
final class SparkTests {
  private static final Path DEMO = Path.of("src/demo/toyworld").toAbsolutePath();

  private SparkTests() {}

  /** Sets Spark's properties for one test and takes them back when closed. */
  static final class Master implements AutoCloseable {
    private final Map<String, String> properties = new HashMap<>();

    private Master(String url) {
      set("spark.master", url);
      set("spark.ui.enabled", "false");
      set("spark.driver.host", "127.0.0.1");
    }

    static Master local() {
      return new Master("local[2]");
    }

    /** Two executors in JVMs of their own, with the class path of this one. */
    static Master cluster() throws IOException {
      Files.createDirectories(Path.of(System.getenv("SPARK_HOME"), "jars"));
      Master master = new Master("local-cluster[2,1,1024]");
      master.set("spark.executor.extraClassPath", System.getProperty("java.class.path"));
      master.set("spark.executor.memory", "1g");
      return master;
    }

    /** With settings of the storage. */
    Master withHadoop(Map<String, String> settings) {
      settings.forEach((key, value) -> set("spark.hadoop." + key, value));
      return this;
    }

    /** Two executors, each of another host, that copy tasks which take longer than others. */
    static Master speculating(StandaloneCluster cluster) {
      Master master = new Master(cluster.url());
      master.set("spark.executor.extraClassPath", System.getProperty("java.class.path"));
      master.set("spark.executor.memory", "1g");
      master.set("spark.executor.cores", "1");
      master.set("spark.cores.max", "2");
      master.set("spark.scheduler.minRegisteredResourcesRatio", "1.0");
      master.set("spark.speculation", "true");
      master.set("spark.speculation.interval", "100ms");
      master.set("spark.speculation.quantile", "0.5");
      master.set("spark.speculation.multiplier", "1.1");
      return master;
    }

    Master with(Map<String, String> settings) {
      settings.forEach(this::set);
      return this;
    }

    void set(String key, String value) {
      properties.put(key, value);
      System.setProperty(key, value);
    }

    @Override
    public void close() {
      properties.keySet().forEach(System::clearProperty);
    }
  }

  static PrintStream nowhere() {
    return new PrintStream(OutputStream.nullOutputStream());
  }

  /** ToyWorld's settings with runs and bases under a folder of the test's own. */
  static TuneQdmConfig config(Path storage, Map<String, String> more) {
    Map<String, String> overrides = new HashMap<>();
    overrides.put("tuneqdm.storage.runs", storage.resolve("runs").toString());
    overrides.put("tuneqdm.storage.bases", storage.resolve("bases").toString());
    overrides.putAll(more);
    return new ConfigLayers(
            overrides,
            Map.of("tuneqdm.demo.dir", DEMO.toString()),
            Optional.of(ConfigSource.file(Path.of("conf/toyworld.conf"))))
        .load();
  }

  /** Two subjects, each a batch of its own, two steps of one image. */
  static Map<String, String> tinyTraining(Map<String, String> more) {
    Map<String, String> settings = new HashMap<>();
    settings.put("tuneqdm.data.names", "ball1,mug1");
    settings.put("tuneqdm.tuning.steps", "2");
    settings.put("tuneqdm.tuning.batch-size", "1");
    settings.put("tuneqdm.tuning.subjects-per-batch", "1");
    settings.putAll(more);
    return settings;
  }

  /** Hash of every file under a folder, by relative path; but for those that tell of time. */
  static Map<String, String> hashes(Path folder) throws IOException {
    Map<String, String> hashes = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      files
          .filter(Files::isRegularFile)
          .filter(file -> !file.getParent().getFileName().toString().equals(RunFolder.SPEED))
          .forEach(file -> hashes.put(folder.relativize(file).toString(), Hashes.sha256(file)));
    }
    return hashes;
  }
}
