package io.github.tuneqdm.deploy;

import static io.github.tuneqdm.deploy.DeployFolder.at;

import io.github.tuneqdm.deploy.FieldTable.Field;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A Kubernetes resource definition as its maker publishes it, to hold our table of fields against.
 */
record ResourceDefinition(String kind, Map<?, ?> schema) {
  static ResourceDefinition read(Path file) {
    Map<?, ?> document = DeployFolder.documents(file).get(0);
    Map<?, ?> version = (Map<?, ?>) at(document, "spec", "versions", 0);
    return new ResourceDefinition(
        at(document, "spec", "names", "kind").toString(),
        (Map<?, ?>) at(version, "schema", "openAPIV3Schema"));
  }

  /** Where the table claims what the definition does not say, or forgets what it insists on. */
  List<String> disagreements(FieldTable table) {
    List<String> found = new ArrayList<>();
    compare(table, kind, schema, kind, found);
    return found;
  }

  private static void compare(
      FieldTable table, String type, Map<?, ?> schema, String path, List<String> found) {
    if (type.startsWith("[")) {
      require(schema, "array", path, found);
      Map<?, ?> items = (Map<?, ?>) schema.get("items");
      compare(table, type.substring(1, type.length() - 1), items, path + "[]", found);
      return;
    }
    Map<String, Field> fields = table.objects().get(type);
    if (fields == null) {
      compareValue(type, schema, path, found);
      return;
    }
    require(schema, "object", path, found);
    Map<?, ?> properties = (Map<?, ?>) schema.get("properties");
    if (properties == null) {
      return; // ObjectMeta: Kubernetes' own
    }
    List<?> required = schema.get("required") instanceof List<?> names ? names : List.of();
    for (Object name : required) {
      if (!fields.containsKey(name) || !fields.get(name).required()) {
        found.add(path + "." + name + " is required by the definition alone");
      }
    }
    fields.forEach(
        (name, field) -> {
          if (!properties.containsKey(name)) {
            found.add(path + "." + name + " is not in the definition");
            return;
          }
          boolean everyKindHasIt = name.equals("apiVersion") || name.equals("kind");
          if (field.required() && !required.contains(name) && !everyKindHasIt) {
            found.add(path + "." + name + " is required by the table alone");
          }
          compare(table, field.type(), (Map<?, ?>) properties.get(name), path + "." + name, found);
        });
  }

  private static void compareValue(String type, Map<?, ?> schema, String path, List<String> found) {
    switch (type) {
      case "text" -> require(schema, "string", path, found);
      case "whole" -> require(schema, "integer", path, found);
      case "flag" -> require(schema, "boolean", path, found);
      case "map" -> require(schema, "object", path, found);
      case "quantity" -> {
        if (!Boolean.TRUE.equals(schema.get("x-kubernetes-int-or-string"))) {
          found.add(path + " is no quantity in the definition");
        }
      }
      default -> {
        require(schema, "string", path, found);
        if (schema.get("enum") instanceof List<?> choices
            && !choices.equals(List.of(type.split("\\|")))) {
          found.add(path + " may be " + choices + " in the definition");
        }
      }
    }
  }

  private static void require(Map<?, ?> schema, String type, String path, List<String> found) {
    if (!type.equals(schema.get("type"))) {
      found.add("%s is %s in the definition, not %s".formatted(path, schema.get("type"), type));
    }
  }
}
