package io.github.tuneqdm.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigResolveOptions;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import io.github.tuneqdm.error.TuneQdmException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Where values come from. The precedence, strongest first: {@code -D}, {@code --conf
 * spark.tuneqdm.*}, {@code --config FILE}, a recipe's own defaults, {@code reference.conf}.
 *
 * @param overrides {@code -D} options by key
 * @param properties system properties: spark-submit puts its {@code --conf} values there, the
 *     launchers {@code tuneqdm.demo.dir}
 * @param file the configuration file, if any
 */
public record ConfigLayers(
    Map<String, String> overrides, Map<String, String> properties, Optional<ConfigSource> file) {
  static final String DEMO_DIR_ORIGIN = "system property";

  private static final ConfigValue NOTHING = ConfigValueFactory.fromAnyRef(null);

  /** Files beside this class whose values stand for those of {@code reference.conf}. */
  private static final Map<Key<String>, Map<String, String>> DEFAULTS =
      Map.of(
          Keys.TUNING_RECIPE,
          Map.of("paper", "paper.conf"),
          Keys.TUNING_METHOD,
          Map.of("dreambooth", "dreambooth.conf", "lora", "lora.conf", "qlora", "lora.conf"),
          Keys.TUNING_PARAMETRIZATION,
          Map.of("absolute", "absolute.conf"));

  private static final String SPARK_PREFIX = "spark." + Keys.ROOT;

  /** Merges the layers, resolves references between keys, and checks every key and value. */
  public TuneQdmConfig load() {
    return guarded(() -> checked(said()));
  }

  /**
   * As {@link #load()}, where the file also describes a study. A cell's settings are one more
   * layer, above all others.
   *
   * @throws TuneQdmException (usage) where it does not, or an override stands against a cell
   */
  public StudySettings loadStudy() {
    return guarded(
        () -> {
          Config said = said();
          Config study = resolve(said.withFallback(reference())).getConfig(Keys.STUDY);
          String parallel = Keys.STUDY_PARALLEL.path();
          Config shared =
              said.withoutPath(Keys.STUDY)
                  .withValue(parallel, study.root().getOrDefault("parallel", NOTHING));
          StudySettings settings =
              new StudyReader(
                      study.withoutPath("parallel"),
                      ofCell -> checked(layer(ofCell).withFallback(shared)))
                  .read();
          overrides.keySet().forEach(path -> settings.refuseOverride("-D ", path));
          sparkConf().entrySet().forEach(e -> settings.refuseOverride("--conf spark.", e.getKey()));
          return settings;
        });
  }

  private static Config layer(Map<String, ConfigValue> values) {
    Config layer = ConfigFactory.empty();
    for (Map.Entry<String, ConfigValue> value : values.entrySet()) {
      layer = layer.withValue(value.getKey(), value.getValue());
    }
    return layer;
  }

  private static <T> T guarded(Supplier<T> reading) {
    try {
      return reading.get();
    } catch (ConfigException e) {
      throw TuneQdmException.usage("Cannot read the configuration: " + e.getMessage());
    } catch (StackOverflowError e) {
      throw TuneQdmException.usage("Cannot read the configuration: it is nested too deeply");
    }
  }

  /** What the layers say, without the defaults. */
  private Config said() {
    Config fromFile = file.map(ConfigSource::parse).orElse(ConfigFactory.empty());
    // Before resolving: what no key may be called cannot serve to multiply values either.
    fromFile.root().forEach(ConfigLayers::refuseOtherRoots);
    return commandLine().withFallback(sparkConf()).withFallback(fromFile).withFallback(demoDir());
  }

  private static TuneQdmConfig checked(Config said) {
    Config chosen = resolve(said.withFallback(reference()));
    Config defaults =
        defaults(chosen, Keys.TUNING_RECIPE)
            .withFallback(defaults(chosen, Keys.TUNING_METHOD))
            .withFallback(defaults(chosen, Keys.TUNING_PARAMETRIZATION));
    Config resolved = resolve(said.withFallback(defaults).withFallback(reference()));
    resolved.root().forEach(ConfigLayers::refuseUnknown);
    return TuneQdmConfig.of(resolved);
  }

  /** What the value of {@code key} brings along. */
  private static Config defaults(Config chosen, Key<String> key) {
    Object value = chosen.hasPath(key.path()) ? chosen.getValue(key.path()).unwrapped() : "";
    String file = DEFAULTS.get(key).get(value.toString());
    return file == null ? ConfigFactory.empty() : resource("io/github/tuneqdm/config/" + file);
  }

  private static void refuseOtherRoots(String name, ConfigValue value) {
    if (!Keys.ROOT.equals(name + ".")) {
      throw unknown(firstPath(name, value), value.origin().description());
    }
  }

  /** Down to a value, so that the key that was meant can be guessed. */
  private static String firstPath(String name, ConfigValue value) {
    String path = name;
    ConfigValue at = value;
    try {
      while (at instanceof ConfigObject members && !members.isEmpty()) {
        Map.Entry<String, ConfigValue> first = members.entrySet().iterator().next();
        path += "." + first.getKey();
        at = first.getValue();
      }
    } catch (ConfigException.NotResolved e) {
      return path; // what refers to others has no members yet
    }
    return path;
  }

  static Config reference() {
    return resource("reference.conf");
  }

  private static Config resource(String name) {
    return ConfigFactory.parseResources(
        ConfigLayers.class.getClassLoader(),
        name,
        ConfigParseOptions.defaults().setAllowMissing(false));
  }

  private Config commandLine() {
    Config layer = ConfigFactory.empty();
    for (Map.Entry<String, String> option : overrides.entrySet()) {
      layer = layer.withFallback(single(option.getKey(), option.getValue(), "-D"));
    }
    return layer;
  }

  private Config sparkConf() {
    Config layer = ConfigFactory.empty();
    for (Map.Entry<String, String> property : new TreeMap<>(properties).entrySet()) {
      if (property.getKey().startsWith(SPARK_PREFIX)) {
        String path = property.getKey().substring("spark.".length());
        layer = layer.withFallback(single(path, property.getValue(), "--conf spark." + path));
      }
    }
    return layer;
  }

  private Config demoDir() {
    String folder = properties.get(Keys.DEMO_DIR.path());
    return folder == null
        ? ConfigFactory.empty()
        : ConfigFactory.empty()
            .withValue(
                Keys.DEMO_DIR.path(), ConfigValueFactory.fromAnyRef(folder, DEMO_DIR_ORIGIN));
  }

  private static Config single(String path, String text, String origin) {
    Key<?> key = Keys.named(path).orElseThrow(() -> unknown(path, origin));
    return ConfigFactory.empty().withValue(path, key.fromCommandLine(text, origin));
  }

  private static void refuseUnknown(String path, ConfigValue value) {
    if (Keys.named(path).isPresent()) {
      return;
    }
    if (!(value instanceof ConfigObject members)) {
      throw unknown(path, value.origin().description());
    }
    members.forEach((name, member) -> refuseUnknown(path + "." + name, member));
  }

  static TuneQdmException unknown(String path, String origin) {
    String hint =
        path.startsWith(Keys.STUDY + ".")
            ? "what a study compares is read by jobs/study --study FILE"
            : "did you mean " + Keys.nearest(path) + "?";
    return TuneQdmException.usage("Unknown key " + path + " (" + origin + "): " + hint);
  }

  private static Config resolve(Config merged) {
    try {
      return merged.resolve(ConfigResolveOptions.defaults());
    } catch (ConfigException.UnresolvedSubstitution e) {
      String hint =
          e.getMessage().contains(Keys.DEMO_DIR.path())
              ? " (start through jobs/<command>, or pass -D tuneqdm.demo.dir=FOLDER or --config FILE)"
              : "";
      throw TuneQdmException.usage("Cannot resolve the configuration: " + e.getMessage() + hint);
    } catch (ConfigException e) {
      throw TuneQdmException.usage("Cannot resolve the configuration: " + e.getMessage());
    }
  }
}
