package io.github.tuneqdm.tuning;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.Serializable;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What one subject trains with in the place of the recipe's own. Only what subjects of one batch
 * can differ in is here: they share their steps, images a step and resolution.
 *
 * @param values by key; what is not here is the recipe's
 */
public record SubjectOverrides(Map<Key, BigDecimal> values) implements Serializable {
  public static final SubjectOverrides NONE = new SubjectOverrides(Map.of());

  /** Named as in {@code tuneqdm.tuning}. Wide ranges: a subject that diverges fails alone. */
  public enum Key {
    LEARNING_RATE("learning-rate", "0", "1e30"),
    WEIGHT_DECAY("weight-decay", "0", "10"),
    MAX_GRAD_NORM("max-grad-norm", "1e-9", "1e9"),
    SEED("seed", Long.toString(Long.MIN_VALUE), Long.toString(Long.MAX_VALUE));

    private final String text;
    private final BigDecimal min;
    private final BigDecimal max;

    Key(String text, String min, String max) {
      this.text = text;
      this.min = new BigDecimal(min);
      this.max = new BigDecimal(max);
    }

    public static List<String> names() {
      return Arrays.stream(values()).map(Key::toString).toList();
    }

    public static Optional<Key> named(String text) {
      return Arrays.stream(values()).filter(key -> key.text.equals(text)).findFirst();
    }

    /**
     * @param where names the place of the value in messages
     * @throws TuneQdmException (usage) where it is not a number in the key's range
     */
    public BigDecimal parse(String value, String where) {
      try {
        BigDecimal number = new BigDecimal(value);
        boolean whole = this != SEED || number.stripTrailingZeros().scale() <= 0;
        if (number.compareTo(min) >= 0 && number.compareTo(max) <= 0 && whole) {
          return number.stripTrailingZeros();
        }
      } catch (NumberFormatException e) {
        // the message below says it all
      }
      throw TuneQdmException.usage(
          "Cannot use %s = \"%s\" (%s): it must be a %s from %s to %s"
              .formatted(text, value, where, this == SEED ? "whole number" : "number", min, max));
    }

    @Override
    public String toString() {
      return text;
    }
  }

  public SubjectOverrides {
    values = Collections.unmodifiableMap(new TreeMap<>(values));
  }

  double learningRate(double recipe) {
    return number(Key.LEARNING_RATE, recipe);
  }

  double weightDecay(double recipe) {
    return number(Key.WEIGHT_DECAY, recipe);
  }

  double maxGradNorm(double recipe) {
    return number(Key.MAX_GRAD_NORM, recipe);
  }

  long seed(long recipe) {
    BigDecimal own = values.get(Key.SEED);
    return own == null ? recipe : own.longValueExact();
  }

  private double number(Key key, double recipe) {
    BigDecimal own = values.get(key);
    return own == null ? recipe : own.doubleValue();
  }

  /** Reads {@link #toString} back. */
  public static SubjectOverrides parse(String text) {
    Map<Key, BigDecimal> values = new TreeMap<>();
    text.lines()
        .map(line -> line.split(" = ", 2))
        .forEach(line -> values.put(Key.named(line[0]).orElseThrow(), new BigDecimal(line[1])));
    return values.isEmpty() ? NONE : new SubjectOverrides(values);
  }

  /** {@code key = value} lines in the order of {@link Key}; empty where nothing is overridden. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    values.forEach((key, value) -> text.append(key).append(" = ").append(value).append('\n'));
    return text.toString();
  }
}
