package io.github.tuneqdm.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import io.github.tuneqdm.error.TuneQdmException;
import java.nio.file.Files;
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

  /** A file; it may include others beside it. */
  record File(Path path) implements ConfigSource {
    @Override
    public Config parse() {
      if (!Files.isRegularFile(path)) {
        throw TuneQdmException.usage("Cannot read --config " + path + ": there is no such file");
      }
      try {
        return ConfigFactory.parseFile(path.toFile());
      } catch (ConfigException e) {
        throw TuneQdmException.usage("Cannot read --config " + path + ": " + e.getMessage());
      }
    }
  }

  /** A text. */
  record Text(String text, String name) implements ConfigSource {
    @Override
    public Config parse() {
      try {
        return ConfigFactory.parseString(
            text, ConfigParseOptions.defaults().setOriginDescription(name));
      } catch (ConfigException e) {
        throw TuneQdmException.inputData("Cannot read " + name + ": " + e.getMessage(), e);
      }
    }
  }
}
