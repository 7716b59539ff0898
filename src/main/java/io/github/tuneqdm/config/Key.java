package io.github.tuneqdm.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import com.typesafe.config.ConfigValueType;
import io.github.tuneqdm.error.TuneQdmException;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One configuration key: its path, what it may hold in words, and how its value is read.
 *
 * @param <T> type of the value
 */
final class Key<T> {
  private static final Map<String, Boolean> FLAGS =
      Map.of("true", true, "yes", true, "on", true, "false", false, "no", false, "off", false);

  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9._-]*(/[A-Za-z0-9._-]+)*");

  /** Without control characters; what stands before a colon and the first slash is a scheme. */
  private static final Pattern LOCATION =
      Pattern.compile("[A-Za-z][A-Za-z0-9+.-]*:/\\P{Cntrl}*|[^:/\\p{Cntrl}]*(/\\P{Cntrl}*)?");

  private static final String LOCATION_IN_WORDS = "a path or an address such as hdfs://host/folder";

  private final String path;
  private final String allowed;
  private final Function<Object, T> parser;
  private final Predicate<T> accepts;
  private final Function<String, Object> fromText;

  private Key(
      String path,
      String allowed,
      Function<Object, T> parser,
      Predicate<T> accepts,
      Function<String, Object> fromText) {
    this.path = path;
    this.allowed = allowed;
    this.parser = parser;
    this.accepts = accepts;
    this.fromText = fromText;
  }

  private static <T> Key<T> scalar(
      String path, String allowed, Function<String, T> parser, Predicate<T> accepts) {
    return new Key<>(
        path, allowed, value -> parser.apply(scalarText(value)), accepts, text -> text);
  }

  static Key<Integer> integer(String path, int min, int max) {
    return scalar(
        path,
        "a whole number from " + min + " to " + max,
        text -> new BigDecimal(text).intValueExact(),
        value -> value >= min && value <= max);
  }

  static Key<Long> longInteger(String path, long min, long max) {
    return scalar(
        path,
        "a whole number from " + min + " to " + max,
        text -> new BigDecimal(text).longValueExact(),
        value -> value >= min && value <= max);
  }

  static Key<Integer> oneOf(String path, Integer... values) {
    List<Integer> choices = List.of(values);
    return scalar(
        path,
        "one of " + join(choices.stream()),
        text -> new BigDecimal(text).intValueExact(),
        choices::contains);
  }

  static Key<String> oneOf(String path, String... values) {
    List<String> choices = List.of(values);
    return scalar(path, "one of " + join(choices.stream()), text -> text, choices::contains);
  }

  /** A finite number in [min, max]. */
  static Key<Double> real(String path, double min, double max) {
    return scalar(
        path,
        "a number from " + plain(min) + " to " + plain(max),
        Double::parseDouble,
        value -> value >= min && value <= max);
  }

  static Key<Boolean> flag(String path) {
    return scalar(path, "true or false", FLAGS::get, value -> value != null);
  }

  static Key<String> text(String path) {
    return scalar(path, "a text", text -> text, value -> true);
  }

  /** A path or an address; empty where there is none. */
  static Key<String> location(String path) {
    return scalar(
        path, LOCATION_IN_WORDS, text -> text, value -> LOCATION.matcher(value).matches());
  }

  static Key<String> nonEmptyLocation(String path) {
    return scalar(
        path,
        "a non-empty text, " + LOCATION_IN_WORDS,
        text -> text,
        value -> !value.isBlank() && LOCATION.matcher(value).matches());
  }

  /** A list of texts; on a command line its members are separated by commas. */
  static Key<List<String>> list(String path) {
    return new Key<>(
        path,
        "a list of texts",
        value -> {
          if (!(value instanceof List<?> members)) {
            throw new IllegalArgumentException("not a list");
          }
          return members.stream().map(Key::scalarText).toList();
        },
        value -> true,
        Key::splitAtCommas);
  }

  String path() {
    return path;
  }

  /** The value as this configuration has it; a usage error names key, value, origin and range. */
  T read(Config config) {
    if (config.getIsNull(path)) {
      throw TuneQdmException.usage("Cannot use " + path + " = null: it must be " + allowed);
    }
    ConfigValue value = config.getValue(path);
    T parsed;
    try {
      parsed = parser.apply(value.unwrapped());
    } catch (ArithmeticException | IllegalArgumentException e) {
      throw refused(value);
    }
    if (!accepts.test(parsed)) {
      throw refused(value);
    }
    return parsed;
  }

  /** The value that stands on a command line as text; its type is checked when it is read. */
  ConfigValue fromCommandLine(String text, String origin) {
    return ConfigValueFactory.fromAnyRef(fromText.apply(text), origin);
  }

  private TuneQdmException refused(ConfigValue value) {
    return TuneQdmException.usage(
        "Cannot use "
            + path
            + " = "
            + render(value)
            + " ("
            + value.origin().description()
            + "): it must be "
            + allowed);
  }

  /** As a user would write it in a file: quoted only where it has to be. */
  static String render(ConfigValue value) {
    String text = String.valueOf(value.unwrapped());
    return value.valueType() == ConfigValueType.STRING
            && !text.isEmpty()
            && PLAIN.matcher(text).matches()
            && !text.equals("null")
        ? text
        : value.render(ConfigRenderOptions.concise());
  }

  private static String scalarText(Object value) {
    if (value instanceof String || value instanceof Number || value instanceof Boolean) {
      return value.toString().strip();
    }
    throw new IllegalArgumentException("not a scalar");
  }

  private static List<String> splitAtCommas(String text) {
    String inner = text.strip();
    if (inner.startsWith("[") && inner.endsWith("]")) {
      inner = inner.substring(1, inner.length() - 1);
    }
    return Arrays.stream(inner.split(",")).map(String::strip).filter(s -> !s.isEmpty()).toList();
  }

  private static String join(Stream<?> values) {
    return values.map(String::valueOf).collect(Collectors.joining(", "));
  }

  private static String plain(double value) {
    return new BigDecimal(Double.toString(value)).stripTrailingZeros().toPlainString();
  }
}
