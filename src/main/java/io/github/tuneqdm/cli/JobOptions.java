package io.github.tuneqdm.cli;

import io.github.tuneqdm.config.ConfigLayers;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.PrintWriter;
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
  private static final Path DEFAULT_FILE = Path.of("conf", "toyworld.conf");

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description =
          "HOCON file over the defaults; the embedded demo's conf/toyworld.conf if left out.")
  private Path file;

  @Option(
      names = "-D",
      paramLabel = "KEY=VALUE",
      description =
          "Sets one key, over the file and over spark-submit's --conf spark.tuneqdm.*;"
              + " may be repeated. Lists are separated by commas.")
  private Map<String, String> overrides = new LinkedHashMap<>();

  /** Loads the configuration and prints what differs from the defaults, with origins. */
  TuneQdmConfig load(PrintWriter out) {
    TuneQdmConfig config =
        new ConfigLayers(overrides, systemProperties(), Optional.of(configFile())).load();
    List<String> settings = config.settingsWithOrigins();
    out.println("Configuration (all other keys at their defaults):");
    settings.forEach(line -> out.println("  " + line));
    out.flush();
    return config;
  }

  private Path configFile() {
    if (file != null) {
      return file;
    }
    Path home = Path.of(System.getProperty(HOME, "."));
    Path demo = home.resolve(DEFAULT_FILE);
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
