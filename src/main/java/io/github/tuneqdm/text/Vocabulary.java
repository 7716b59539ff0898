package io.github.tuneqdm.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;

/** Token to id, as {@code vocab.json} lists them. Ids are distinct and not negative. */
final class Vocabulary {
  private final TokenizerFile file;
  private final Map<String, Integer> ids;

  private Vocabulary(TokenizerFile file, Map<String, Integer> ids) {
    this.file = file;
    this.ids = ids;
  }

  static Vocabulary read(TokenizerFile file) {
    JsonNode tokens = file.object();
    Map<String, Integer> ids = new HashMap<>();
    Map<Integer, String> owners = new HashMap<>();
    for (Map.Entry<String, JsonNode> entry : tokens.properties()) {
      JsonNode id = entry.getValue();
      if (!id.isInt() || id.intValue() < 0) {
        throw file.broken(
            "the id of token \"" + entry.getKey() + "\" is " + id + ", not a whole number from 0");
      }
      String owner = owners.putIfAbsent(id.intValue(), entry.getKey());
      if (owner != null) {
        throw file.broken(
            "tokens \"" + owner + "\" and \"" + entry.getKey() + "\" share the id " + id);
      }
      ids.put(entry.getKey(), id.intValue());
    }
    return new Vocabulary(file, ids);
  }

  OptionalInt find(String token) {
    Integer id = ids.get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  boolean contains(String token) {
    return ids.containsKey(token);
  }

  /** The id of a token that must be there; inputData names its role where it is not. */
  int require(String token, String role) {
    return find(token)
        .orElseThrow(() -> file.broken("the " + role + " token \"" + token + "\" is missing"));
  }
}
