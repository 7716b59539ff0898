package io.github.tuneqdm.config;

import com.typesafe.config.Config;
import java.nio.file.Path;

/** Where the layer above the defaults comes from: a local file, or a text from any storage. */
public sealed interface ConfigSource {
  Config parse();

  static ConfigSource file(Path file) {
    return new File(file);
  }

  /**
   * @param name shown as the origin of its values
   */
  static ConfigSource text(String text, String name) {
    return new Text(text, name);
  }

  /**
   * A study's file: what else it sets lies over another layer.
   *
   * @param below the layer that holds for what the file does not set
   */
  static ConfigSource study(Path file, ConfigSource below) {
    return new Study(file, below);
  }

  /** A file; it may include others beside it and refer to the environment. */
  record File(Path path) implements ConfigSource {
    @Override
    public Config parse() {
      return ConfigText.parse(path, "--config");
    }
  }

  /** A text, such as a run's stored configuration: values alone. */
  record Text(String text, String name) implements ConfigSource {
    @Override
    public Config parse() {
      return ConfigText.parse(text, name);
    }
  }

  /** A study's file over another layer. */
  record Study(Path path, ConfigSource below) implements ConfigSource {
    @Override
    public Config parse() {
      return ConfigText.parse(path, "--study").withFallback(below.parse());
    }
  }
}
