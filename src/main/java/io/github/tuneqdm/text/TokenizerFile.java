package io.github.tuneqdm.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * One file of a tokenizer folder, read with limits; what is wrong with it is said with its name.
 */
record TokenizerFile(Path path) {
  /** CLIP's largest file has 1.1 MB; thirty times that is no vocabulary of its. */
  private static final long MAX_BYTES = 32L << 20;

  // Names are not kept for the next file: a vocabulary has fifty thousand, and a stranger's files
  // would fill or spoil the table that all files share.
  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder().disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES).build())
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  boolean exists() {
    return Files.exists(path);
  }

  /** The file as a JSON object; inputData where it is absent or something else. */
  JsonNode object() {
    try {
      JsonNode node = JSON.readTree(text());
      if (!node.isObject()) {
        throw broken("it is not a JSON object");
      }
      return node;
    } catch (JsonProcessingException e) {
      String where =
          e.getLocation() == null
              ? ""
              : " (line "
                  + e.getLocation().getLineNr()
                  + ", column "
                  + e.getLocation().getColumnNr()
                  + ")";
      throw TuneQdmException.inputData(
          "Cannot read " + path + ": not valid JSON, " + e.getOriginalMessage() + where, e);
    }
  }

  List<String> lines() {
    return text().lines().toList();
  }

  TuneQdmException broken(String why) {
    return TuneQdmException.inputData("Cannot read " + path + ": " + why);
  }

  private String text() {
    if (!Files.isRegularFile(path)) {
      throw broken("no such file (a CLIP tokenizer folder holds vocab.json and merges.txt)");
    }
    try {
      if (Files.size(path) > MAX_BYTES) {
        throw broken("it is larger than " + (MAX_BYTES >> 20) + " MiB");
      }
      return Files.readString(path, StandardCharsets.UTF_8);
    } catch (CharacterCodingException e) {
      throw TuneQdmException.inputData("Cannot read " + path + ": not UTF-8 text", e);
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read " + path + ": " + e.getMessage(), e);
    }
  }
}
