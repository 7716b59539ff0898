package io.github.tuneqdm.cli;

import io.github.tuneqdm.config.ConfigLayers;
import io.github.tuneqdm.config.ConfigSource;
import io.github.tuneqdm.config.StudySettings;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;

/** The options of every job: where its configuration comes from. */
final class JobOptions {
  private static final String HOME = "tuneqdm.home";

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description =
          "HOCON file over the defaults. Left out: the embedded demo's conf/toyworld.conf.")
  private Path file;

  @Option(
      names = "-D",
      paramLabel = "KEY=VALUE",
      description = {
        "Sets one key, over the file and over spark-submit's --conf spark.tuneqdm.KEY=VALUE.",
        "May be repeated; members of a list are separated by commas."
      })
  private Map<String, String> overrides = new LinkedHashMap<>();

  /** Sets a key as {@code -D} does: for options that stand for one. */
  void set(String key, String value) {
    overrides.put(key, value);
  }

  boolean hasFile() {
    return file != null;
  }

  /** The configuration of {@code --config}, or of the embedded demo. */
  TuneQdmConfig load() {
    return load(ConfigSource.file(file == null ? demo() : file));
  }

  /** As {@link #load()}, with another layer in the place of the file. */
  TuneQdmConfig load(ConfigSource source) {
    return new ConfigLayers(overrides, systemProperties(), Optional.of(source)).load();
  }

  /** A study's file over {@code --config}, or over the embedded demo's configuration. */
  StudySettings loadStudy(Path study) {
    ConfigSource below = ConfigSource.file(file == null ? demo() : file);
    return new ConfigLayers(
            overrides, systemProperties(), Optional.of(ConfigSource.study(study, below)))
        .loadStudy();
  }

  /** Says what differs from the defaults and where that came from. */
  static void print(TuneQdmConfig config, PrintStream out) {
    List<String> settings = config.settingsWithOrigins();
    out.println("Configuration (every other key has its default):");
    settings.forEach(line -> out.println("  " + line));
  }

  private static Path demo() {
    Path demo = Path.of(System.getProperty(HOME, "."), "conf", "toyworld.conf");
    if (!Files.isRegularFile(demo)) {
      throw TuneQdmException.usage(
          "Cannot find " + demo + ": pass --config FILE, or start through jobs/<command>");
    }
    return demo;
  }

  private static Map<String, String> systemProperties() {
    return System.getProperties().stringPropertyNames().stream()
        .collect(Collectors.toMap(name -> name, System::getProperty));
  }
}
