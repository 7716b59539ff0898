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

  private static final String PAPER = "paper";
  private static final String PAPER_DEFAULTS = "io/github/tuneqdm/config/paper.conf";
  private static final String SPARK_PREFIX = "spark." + Keys.ROOT;

  /** Merges the layers, resolves references between keys, and checks every key and value. */
  public TuneQdmConfig load() {
    try {
      Config fromFile = file.map(ConfigSource::parse).orElse(ConfigFactory.empty());
      // Before resolving: what no key may be called cannot serve to multiply values either.
      fromFile.root().forEach(ConfigLayers::refuseOtherRoots);
      Config said =
          commandLine().withFallback(sparkConf()).withFallback(fromFile).withFallback(demoDir());
      Config resolved = resolve(said.withFallback(reference()));
      if (isPaper(resolved)) {
        resolved = resolve(said.withFallback(resource(PAPER_DEFAULTS)).withFallback(reference()));
      }
      resolved.root().forEach(ConfigLayers::refuseUnknown);
      return TuneQdmConfig.of(resolved);
    } catch (StackOverflowError e) {
      throw TuneQdmException.usage("Cannot read the configuration: it is nested too deeply");
    }
  }

  private static boolean isPaper(Config resolved) {
    String key = Keys.TUNING_RECIPE.path();
    return resolved.hasPath(key) && PAPER.equals(resolved.getValue(key).unwrapped());
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

  private static TuneQdmException unknown(String path, String origin) {
    return TuneQdmException.usage(
        "Unknown key " + path + " (" + origin + "): did you mean " + Keys.nearest(path) + "?");
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
