package io.github.tuneqdm.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What {@code tokenizer_config.json} and {@code special_tokens_map.json} say; both may be absent,
 * then it is CLIP's own: {@code <|startoftext|>}, {@code <|endoftext|>} for end, unknown and
 * padding, 77 tokens.
 *
 * <p>Where both name a token, the map wins, unless the config is of the newer kind that lists
 * {@code added_tokens_decoder}. Stable Diffusion 2 depends on it: its config says {@code
 * <|endoftext|>}, its map pads with {@code !}.
 */
record TokenizerSettings(
    String start, String end, String unknown, String padding, int modelMaxLength) {
  private static final String START_OF_TEXT = "<|startoftext|>";
  private static final String END_OF_TEXT = "<|endoftext|>";
  private static final int CLIP_LENGTH = 77;

  /** Configs without a length carry 10^30; no text encoder has a million positions. */
  private static final double LONGEST_LENGTH = 1e6;

  static TokenizerSettings read(Path folder) {
    TokenizerFile config = new TokenizerFile(folder.resolve("tokenizer_config.json"));
    TokenizerFile map = new TokenizerFile(folder.resolve("special_tokens_map.json"));
    List<Source> sources = new ArrayList<>();
    int length = CLIP_LENGTH;
    boolean mapCounts = map.exists();
    if (config.exists()) {
      Source source = new Source(config, config.object());
      sources.add(source);
      length = length(source);
      mapCounts &= !source.json().has("added_tokens_decoder");
    }
    if (mapCounts) {
      sources.add(0, new Source(map, map.object()));
    }
    return new TokenizerSettings(
        token(sources, "bos_token", START_OF_TEXT),
        token(sources, "eos_token", END_OF_TEXT),
        token(sources, "unk_token", END_OF_TEXT),
        token(sources, "pad_token", END_OF_TEXT),
        length);
  }

  private record Source(TokenizerFile file, JsonNode json) {}

  private static String token(List<Source> sources, String key, String otherwise) {
    for (Source source : sources) {
      JsonNode value = source.json().path(key);
      if (value.isMissingNode() || value.isNull()) {
        continue;
      }
      // Either the text itself or an object {"content": text, "lstrip": ...}.
      JsonNode content = value.isObject() ? value.path("content") : value;
      if (!content.isTextual() || content.textValue().isEmpty()) {
        throw source.file().broken(key + " is " + value + ", not a token");
      }
      return content.textValue();
    }
    return otherwise;
  }

  private static int length(Source source) {
    JsonNode value = source.json().path("model_max_length");
    if (value.isMissingNode() || value.isNull()) {
      return CLIP_LENGTH;
    }
    if (!value.isNumber()) {
      throw source.file().broken("model_max_length is " + value + ", not a number");
    }
    double length = value.doubleValue();
    if (length > LONGEST_LENGTH) {
      return CLIP_LENGTH;
    }
    if (length < 2 || length != Math.rint(length)) {
      throw source
          .file()
          .broken("model_max_length is " + value + ", which has no room for start and end token");
    }
    return (int) length;
  }
}
