package io.github.tuneqdm.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigIncludeContext;
import com.typesafe.config.ConfigIncluder;
import com.typesafe.config.ConfigIncluderClasspath;
import com.typesafe.config.ConfigIncluderFile;
import com.typesafe.config.ConfigIncluderURL;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigParseOptions;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * HOCON of others, parsed with limits. Includes reach files beside the first one and nothing else:
 * no other folder, no class path, no network. The number of references between keys is bounded,
 * since each may repeat a value: a file of forty lines could otherwise ask for terabytes.
 */
final class ConfigText
    implements ConfigIncluder, ConfigIncluderFile, ConfigIncluderURL, ConfigIncluderClasspath {
  private static final int MAX_BYTES = 4 << 20;
  private static final int MAX_INCLUDES = 16;
  private static final int MAX_REFERENCES = 12;

  private static final Pattern PLAIN_NAME = Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]*");
  private static final Pattern REFERENCE = Pattern.compile("\\$\\{");
  private static final Pattern ENVIRONMENT =
      Pattern.compile("\\$\\{\\??(?!tuneqdm})[A-Za-z_][A-Za-z0-9_]*}");

  private final String name;
  private final Path folder;
  private final Function<String, TuneQdmException> refusal;
  private int bytes;
  private int includes;
  private int references;

  private ConfigText(String name, Path folder, Function<String, TuneQdmException> refusal) {
    this.name = name;
    this.folder = folder;
    this.refusal = refusal;
  }

  /**
   * A file, which may include others of its folder.
   *
   * @param option that named it, for messages
   */
  static Config parse(Path file, String option) {
    String name = option + " " + file;
    if (!Files.isRegularFile(file)) {
      throw TuneQdmException.usage("Cannot read " + name + ": there is no such file");
    }
    ConfigText text =
        new ConfigText(name, file.toAbsolutePath().getParent(), TuneQdmException::usage);
    String content = text.read(file);
    text.count(content, ENVIRONMENT);
    return text.parsed(content, file.toString());
  }

  /** A text from storage: values only, neither includes nor references. */
  static Config parse(String content, String name) {
    ConfigText text = new ConfigText(name, null, TuneQdmException::inputData);
    if (content.length() > MAX_BYTES) {
      throw text.refused("it is larger than 4 MiB");
    }
    Config config = text.parsed(content, name);
    if (!config.isResolved()) {
      throw text.refused("it refers to other values with ${...}, which only --config FILE may");
    }
    return config;
  }

  private Config parsed(String content, String origin) {
    ConfigParseOptions options =
        ConfigParseOptions.defaults().setOriginDescription(origin).setIncluder(this);
    try {
      return ConfigFactory.parseString(content, options.setSyntaxFromFilename(origin));
    } catch (ConfigException e) {
      throw refused(e.getMessage());
    }
  }

  private String read(Path file) {
    try {
      bytes += (int) Math.min(MAX_BYTES + 1L, Files.size(file));
      if (bytes > MAX_BYTES) {
        throw refused("with what it includes it is larger than 4 MiB");
      }
      String text =
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(Files.readAllBytes(file)))
              .toString();
      return text.startsWith("\uFEFF") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw refused(file.getFileName() + " is not UTF-8 text");
    } catch (IOException e) {
      throw refused(e.toString());
    }
  }

  /** Counts references to keys; those of the form {@code free} cannot multiply anything. */
  private void count(String content, Pattern free) {
    references += occurrences(REFERENCE, content) - occurrences(free, content);
    if (references > MAX_REFERENCES) {
      throw refused(
          "it refers to other keys more than %d times (write the values out)"
              .formatted(MAX_REFERENCES));
    }
  }

  private static int occurrences(Pattern pattern, String content) {
    int count = 0;
    for (Matcher matcher = pattern.matcher(content); matcher.find(); ) {
      count++;
    }
    return count;
  }

  @Override
  public ConfigObject include(ConfigIncludeContext context, String what) {
    if (folder == null || !PLAIN_NAME.matcher(what).matches()) {
      throw outOfReach(what);
    }
    Path file = folder.resolve(what);
    if (!Files.isRegularFile(file) && !what.endsWith(".conf")) {
      file = folder.resolve(what + ".conf");
    }
    if (!Files.isRegularFile(file)) {
      throw refused("it includes " + what + ", and there is no such file beside it");
    }
    if (++includes > MAX_INCLUDES) {
      throw refused("it includes more than %d files".formatted(MAX_INCLUDES));
    }
    String content = read(file);
    count(content, Pattern.compile("(?!)"));
    return parsed(content, file.toString()).root();
  }

  private TuneQdmException outOfReach(Object what) {
    return refused(
        "it includes %s, %s"
            .formatted(
                what,
                folder == null
                    ? "which only --config FILE may"
                    : "and only files beside it can be included, by name"));
  }

  @Override
  public ConfigObject includeFile(ConfigIncludeContext context, File what) {
    return include(context, what.getPath());
  }

  @Override
  public ConfigObject includeURL(ConfigIncludeContext context, URL what) {
    throw outOfReach(what);
  }

  @Override
  public ConfigObject includeResources(ConfigIncludeContext context, String what) {
    throw outOfReach(what);
  }

  @Override
  public ConfigIncluder withFallback(ConfigIncluder fallback) {
    return this; // the library's own includer reads anything from anywhere
  }

  private TuneQdmException refused(String why) {
    return refusal.apply("Cannot read " + name + ": " + why);
  }
}
