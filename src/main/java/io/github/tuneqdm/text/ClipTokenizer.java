package io.github.tuneqdm.text;

import io.github.tuneqdm.error.TuneQdmException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * CLIP's tokenizer (Radford et al. 2021, section 2.4): lower-cased text, cut into words, each word
 * byte-pair encoded over its UTF-8 bytes. Ids are those of the reference implementation.
 *
 * <p>Special tokens are looked for in the text as given, before anything else. The text between
 * them goes through Unicode NFC, every run of white space becomes one space, and every code point
 * is lower-cased by itself (so a final capital sigma becomes the ordinary small one).
 *
 * <p>Immutable; may be shared between threads.
 */
public final class ClipTokenizer {
  private static final Pattern WHITE_SPACE =
      Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

  private static final Pattern WORD =
      Pattern.compile(
          "'s|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}|[^\\s\\p{L}\\p{N}]+",
          Pattern.UNICODE_CHARACTER_CLASS);

  private final BytePairs pairs;
  private final Map<String, Integer> specialIds;
  private final Pattern special;
  private final int startId;
  private final int endId;
  private final int paddingId;
  private final int modelMaxLength;

  private ClipTokenizer(
      Vocabulary vocabulary, Function<Integer, BytePairs> pairs, TokenizerSettings settings) {
    this.startId = vocabulary.require(settings.start(), "start");
    this.endId = vocabulary.require(settings.end(), "end");
    this.paddingId = vocabulary.require(settings.padding(), "padding");
    int unknownId = vocabulary.require(settings.unknown(), "unknown");
    this.pairs = pairs.apply(unknownId);
    this.specialIds = new TreeMap<>();
    specialIds.put(settings.start(), startId);
    specialIds.put(settings.end(), endId);
    specialIds.put(settings.padding(), paddingId);
    specialIds.put(settings.unknown(), unknownId);
    this.special = anyOf(specialIds.keySet().stream().toList());
    this.modelMaxLength = settings.modelMaxLength();
  }

  /**
   * Reads a tokenizer folder: {@code vocab.json} and {@code merges.txt}, and where present {@code
   * tokenizer_config.json} and {@code special_tokens_map.json} for special tokens and length.
   *
   * @throws TuneQdmException inputData, where a file is missing or malformed
   */
  public static ClipTokenizer load(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw TuneQdmException.inputData("Cannot read tokenizer " + folder + ": no such folder");
    }
    TokenizerFile merges = new TokenizerFile(folder.resolve("merges.txt"));
    Vocabulary vocabulary = Vocabulary.read(new TokenizerFile(folder.resolve("vocab.json")));
    return new ClipTokenizer(
        vocabulary,
        unknownId -> BytePairs.read(merges, vocabulary, unknownId),
        TokenizerSettings.read(folder));
  }

  /** Ids of the whole text between the start and the end token. */
  public int[] encode(String text) {
    List<Integer> ids = new ArrayList<>();
    ids.add(startId);
    int from = 0;
    Matcher matcher = special.matcher(text);
    while (matcher.find()) {
      encodePlain(text.substring(from, matcher.start()), ids);
      ids.add(specialIds.get(matcher.group()));
      from = matcher.end();
    }
    encodePlain(text.substring(from), ids);
    ids.add(endId);
    return ids.stream().mapToInt(Integer::intValue).toArray();
  }

  /**
   * Exactly {@code length} ids: a longer text is cut so that the end token still stands last, a
   * shorter one is filled with the padding token.
   */
  public int[] encode(String text, int length) {
    if (length < 2) {
      throw new IllegalArgumentException("No room for start and end token in " + length);
    }
    int[] ids = encode(text);
    int[] fitted = Arrays.copyOf(ids, length);
    if (ids.length > length) {
      fitted[length - 1] = endId;
    } else {
      Arrays.fill(fitted, ids.length, length, paddingId);
    }
    return fitted;
  }

  /** The number of positions the text encoder was trained with: 77 for CLIP. */
  public int modelMaxLength() {
    return modelMaxLength;
  }

  /** The id that ends a text; CLIP's text encoder pools the state at its first place. */
  public int endId() {
    return endId;
  }

  public int paddingId() {
    return paddingId;
  }

  private void encodePlain(String text, List<Integer> ids) {
    Matcher words = WORD.matcher(normalise(text));
    while (words.find()) {
      ids.addAll(pairs.encode(ByteAlphabet.spell(words.group())));
    }
  }

  private static String normalise(String text) {
    String composed = Normalizer.normalize(text, Normalizer.Form.NFC);
    String spaced = WHITE_SPACE.matcher(composed).replaceAll(" ").strip();
    StringBuilder lower = new StringBuilder(spaced.length());
    spaced
        .codePoints()
        .forEach(point -> lower.append(Character.toString(point).toLowerCase(Locale.ROOT)));
    return lower.toString();
  }

  /** Longer tokens first, so that of two that start at one place the longer is found. */
  private static Pattern anyOf(List<String> tokens) {
    return Pattern.compile(
        tokens.stream()
            .sorted(Comparator.comparingInt(String::length).reversed())
            .map(Pattern::quote)
            .collect(Collectors.joining("|")));
  }
}
