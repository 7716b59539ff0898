package io.github.tuneqdm.error;

/**
 * Text of strangers (file names, keys of a file, names of tensors) made fit for a terminal and a
 * log: one line, nothing that steers a terminal or turns the reading direction, never pages long.
 */
public final class Printable {
  private static final int LONGEST = 2000;
  private static final int KEPT_AT_EACH_END = 900;

  private Printable() {}

  /** The text in one line, escaped and shortened where it has to be. */
  public static String of(String message) {
    if (message == null) {
      return "";
    }
    return shortened(escaped(shortened(message))); // escapes can make a short text long
  }

  private static String escaped(String message) {
    StringBuilder shown = new StringBuilder(message.length() + 16);
    boolean lineEnd = false;
    for (int c : message.codePoints().toArray()) {
      if (c == '\n' || c == '\r') {
        lineEnd = true;
      } else if (!lineEnd || !Character.isWhitespace(c)) {
        if (lineEnd && shown.length() > 0 && shown.charAt(shown.length() - 1) != ' ') {
          shown.append(' ');
        }
        lineEnd = false;
        append(shown, c);
      }
    }
    return shown.toString();
  }

  private static String shortened(String message) {
    return message.length() <= LONGEST
        ? message
        : message.substring(0, KEPT_AT_EACH_END)
            + " [... %d characters ...] ".formatted(message.length() - 2 * KEPT_AT_EACH_END)
            + message.substring(message.length() - KEPT_AT_EACH_END);
  }

  private static void append(StringBuilder shown, int c) {
    int type = Character.getType(c);
    boolean hidden =
        c != '\t' && Character.isISOControl(c)
            || type == Character.FORMAT
            || type == Character.SURROGATE
            || type == Character.LINE_SEPARATOR
            || type == Character.PARAGRAPH_SEPARATOR;
    if (hidden) {
      shown.append("\\u").append("%04x".formatted(c));
    } else {
      shown.appendCodePoint(c);
    }
  }
}
