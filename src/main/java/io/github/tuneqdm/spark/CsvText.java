package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import java.util.ArrayList;
import java.util.List;

/** Comma-separated text that a user wrote, as RFC 4180 has it. */
final class CsvText {
  private static final int LONGEST_FIELD = 1000;

  private CsvText() {}

  /**
   * The fields of each line; empty lines are skipped.
   *
   * @param where the file, for messages
   */
  static List<List<String>> lines(String text, String where) {
    List<List<String>> lines = new ArrayList<>();
    List<String> line = new ArrayList<>();
    StringBuilder field = new StringBuilder();
    boolean quoted = false;
    boolean blank = true; // as yet: a quote after white space alone begins a quoted field
    String rest = text.startsWith("\uFEFF") ? text.substring(1) : text;
    for (int i = 0; i <= rest.length(); i++) {
      boolean end = i == rest.length();
      char c = end ? '\n' : rest.charAt(i);
      if (Character.isISOControl(c) && c != '\n' && c != '\r' && c != '\t') {
        throw TuneQdmException.inputData(
            "Cannot read %s: row %d holds a control character (save it as plain UTF-8 text)"
                .formatted(where, lines.size()));
      }
      if (field.length() > LONGEST_FIELD) {
        throw TuneQdmException.inputData(
            "Cannot read %s: row %d has a field of more than %d characters (does a quote end?)"
                .formatted(where, lines.size(), LONGEST_FIELD));
      }
      if (quoted && !end) {
        if (c != '"') {
          field.append(c);
        } else if (i + 1 < rest.length() && rest.charAt(i + 1) == '"') {
          field.append(c);
          i++;
        } else {
          quoted = false;
        }
      } else if (c == '"' && blank) {
        field.setLength(0);
        quoted = true;
        blank = false;
      } else if (c == ',') {
        line.add(field.toString());
        field.setLength(0);
        blank = true;
      } else if (c == '\n') {
        if (!line.isEmpty() || !field.toString().isBlank()) {
          line.add(field.toString());
          lines.add(List.copyOf(line));
        }
        line.clear();
        field.setLength(0);
        blank = true;
      } else if (c != '\r') {
        field.append(c);
        blank &= Character.isWhitespace(c);
      }
    }
    if (quoted) {
      throw TuneQdmException.inputData("Cannot read " + where + ": a quoted field never ends");
    }
    return lines;
  }
}
