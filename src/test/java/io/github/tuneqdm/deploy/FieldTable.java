package io.github.tuneqdm.deploy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What {@code kubernetes-fields.txt} says of objects and their fields, and what a document lacks.
 */
final class FieldTable {
  private static final Pattern QUANTITY = Pattern.compile("\\d+(\\.\\d+)?([munkMGTPE]|[KMGTPE]i)?");

  /** A field of an object. */
  record Field(String type, boolean required) {}

  private final Map<String, Map<String, Field>> objects;

  private FieldTable(Map<String, Map<String, Field>> objects) {
    this.objects = objects;
  }

  static FieldTable read() {
    try (InputStream stream = FieldTable.class.getResourceAsStream("kubernetes-fields.txt")) {
      return parse(new String(stream.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static FieldTable parse(String text) {
    Map<String, Map<String, Field>> objects = new LinkedHashMap<>();
    Map<String, Field> fields = Map.of();
    for (String line : text.lines().filter(l -> !l.isBlank() && !l.startsWith("#")).toList()) {
      if (!line.startsWith(" ")) {
        fields = new LinkedHashMap<>();
        objects.put(line, fields);
        continue;
      }
      String[] words = line.strip().split(" ");
      fields.put(words[0], new Field(words[1], words.length == 3));
    }
    return new FieldTable(objects);
  }

  /** The objects and their fields. */
  Map<String, Map<String, Field>> objects() {
    return objects;
  }

  /** What is wrong with a document, a line each; its {@code kind} says what it must be. */
  List<String> problems(Map<?, ?> document) {
    List<String> problems = new ArrayList<>();
    check(String.valueOf(document.get("kind")), document, "", problems);
    return problems;
  }

  private void check(String type, Object value, String path, List<String> problems) {
    if (type.startsWith("[")) {
      if (value instanceof List<?> list) {
        String member = type.substring(1, type.length() - 1);
        for (int i = 0; i < list.size(); i++) {
          check(member, list.get(i), path + "[" + i + "]", problems);
        }
      } else {
        problems.add(path + " must be a list, not " + value);
      }
    } else if (objects.containsKey(type)) {
      checkFields(type, value, path, problems);
    } else if (!isA(type, value)) {
      problems.add("%s must be %s, not %s".formatted(path, type, value));
    }
  }

  private void checkFields(String type, Object value, String path, List<String> problems) {
    if (!(value instanceof Map<?, ?> members)) {
      problems.add("%s must be a %s, not %s".formatted(path, type, value));
      return;
    }
    Map<String, Field> fields = objects.get(type);
    String prefix = path.isEmpty() ? "" : path + ".";
    fields.forEach(
        (name, field) -> {
          if (field.required() && !members.containsKey(name)) {
            problems.add(prefix + name + " is missing");
          }
        });
    members.forEach(
        (name, member) -> {
          Field field = fields.get(name);
          if (field == null) {
            problems.add("%s%s is no field of %s".formatted(prefix, name, type));
          } else {
            check(field.type(), member, prefix + name, problems);
          }
        });
  }

  private static boolean isA(String type, Object value) {
    return switch (type) {
      case "text" -> value instanceof String;
      case "whole" -> value instanceof Integer;
      case "flag" -> value instanceof Boolean;
      case "quantity" ->
          value instanceof Integer
              || value instanceof String text && QUANTITY.matcher(text).matches();
      case "map" ->
          value instanceof Map<?, ?> map
              && map.entrySet().stream()
                  .allMatch(e -> e.getKey() instanceof String && e.getValue() instanceof String);
      default -> Arrays.asList(type.replace("=", "").split("\\|")).contains(value);
    };
  }
}
