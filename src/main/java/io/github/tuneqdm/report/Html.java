package io.github.tuneqdm.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.util.Locale;

/** Writes markup; whatever comes from outside goes through {@link #text}. */
final class Html {
  private final Writer out;

  Html(Writer out) {
    this.out = out;
  }

  /** Markup of ours. */
  Html raw(String markup) {
    try {
      out.write(markup);
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Text of anybody's, in an element or in a quoted attribute. */
  Html text(String text) {
    return raw(escape(text));
  }

  Html text(long number) {
    return raw(Long.toString(number));
  }

  /** {@link String#format} that writes the same digits in every locale. */
  static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }

  static String escape(String text) {
    StringBuilder safe = new StringBuilder(text.length() + 16);
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '&' -> safe.append("&amp;");
                case '<' -> safe.append("&lt;");
                case '>' -> safe.append("&gt;");
                case '"' -> safe.append("&quot;");
                case '\'' -> safe.append("&#39;");
                default -> safe.appendCodePoint(shown(c) ? c : 0xFFFD);
              }
            });
    return safe.toString();
  }

  /** Control characters and halves of surrogate pairs are no HTML; direction overrides deceive. */
  private static boolean shown(int c) {
    if (c == '\n' || c == '\t') {
      return true;
    }
    boolean directionOverride = c >= 0x202A && c <= 0x202E || c >= 0x2066 && c <= 0x2069;
    return !Character.isISOControl(c)
        && Character.getType(c) != Character.SURROGATE
        && !directionOverride;
  }
}
