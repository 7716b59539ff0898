package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.Nearest;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.tuning.SubjectOverrides;
import java.io.Serializable;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * {@code subjects.csv}: a header line, then a line a subject. Columns may stand in any order:
 * {@code name} (required), {@code class}, {@code instance_prompt}, {@code identifier}, and the keys
 * of {@link SubjectOverrides}. Fields may be quoted as RFC 4180 has it.
 *
 * @param classes class nouns from elsewhere, by subject, for rows that say none
 */
record SubjectTable(Map<String, Row> rows, Map<String, String> classes) {
  private static final List<String> COLUMNS =
      Stream.concat(
              Stream.of("name", "class", "instance_prompt", "identifier"),
              SubjectOverrides.Key.names().stream())
          .toList();

  /** A line's fields; empty where the column or the field is missing. */
  record Row(String classNoun, String instancePrompt, String identifier, SubjectOverrides overrides)
      implements Serializable {
    static final Row EMPTY = new Row("", "", "", SubjectOverrides.NONE);
  }

  static SubjectTable none() {
    return new SubjectTable(Map.of(), Map.of());
  }

  Row row(String name) {
    Row row = rows.getOrDefault(name, Row.EMPTY);
    return row.classNoun.isEmpty() && classes.containsKey(name)
        ? new Row(classes.get(name), row.instancePrompt, row.identifier, row.overrides)
        : row;
  }

  /** The table with class nouns for subjects of which it says none; they need not be there. */
  SubjectTable withClasses(Map<String, String> others) {
    return new SubjectTable(rows, others);
  }

  /**
   * @param where the file, for messages
   */
  static SubjectTable parse(String text, String where) {
    List<List<String>> lines = CsvText.lines(text, where);
    if (lines.isEmpty()) {
      throw TuneQdmException.inputData("Cannot read " + where + ": it is empty");
    }
    List<String> header = lines.get(0).stream().map(String::strip).toList();
    for (String column : header) {
      if (!COLUMNS.contains(column)) {
        throw TuneQdmException.inputData(
            "Cannot read %s: unknown column \"%s\" (did you mean %s? there are %s)"
                .formatted(where, column, Nearest.of(column, COLUMNS), String.join(", ", COLUMNS)));
      }
    }
    if (!header.contains("name") || header.stream().distinct().count() != header.size()) {
      throw TuneQdmException.inputData(
          "Cannot read " + where + ": its header needs a column \"name\", and each column once");
    }
    Map<String, Row> rows = new LinkedHashMap<>();
    for (int i = 1; i < lines.size(); i++) {
      List<String> line = lines.get(i);
      if (line.size() != header.size()) {
        throw TuneQdmException.inputData(
            "Cannot read %s: row %d has %d fields, the header %d"
                .formatted(where, i, line.size(), header.size()));
      }
      String name = SubjectName.require(field(line, header, "name"), where + ", row " + i);
      Row row =
          new Row(
              field(line, header, "class"),
              field(line, header, "instance_prompt"),
              field(line, header, "identifier"),
              overrides(line, header, where + ", row " + i));
      if (rows.put(name, row) != null) {
        throw TuneQdmException.inputData("Cannot read " + where + ": " + name + " is there twice");
      }
    }
    return new SubjectTable(rows, Map.of());
  }

  private static SubjectOverrides overrides(List<String> line, List<String> header, String where) {
    Map<SubjectOverrides.Key, BigDecimal> values = new TreeMap<>();
    for (SubjectOverrides.Key key : SubjectOverrides.Key.values()) {
      String value = field(line, header, key.toString());
      if (!value.isEmpty()) {
        values.put(key, key.parse(value, where));
      }
    }
    return new SubjectOverrides(values);
  }

  private static String field(List<String> line, List<String> header, String column) {
    int index = header.indexOf(column);
    return index < 0 ? "" : line.get(index).strip();
  }
}
