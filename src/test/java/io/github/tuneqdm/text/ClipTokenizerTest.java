package io.github.tuneqdm.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClipTokenizerTest {
  private static final Path GOLDENS = Path.of("src/test/goldens/clip_tokenizer");
  private static final Path TOYWORLD = Path.of("src/demo/toyworld/base/tokenizer");
  private static final String SMALL_VOCABULARY =
      """
      {"l": 0, "o": 1, "w": 2, "w</w>": 3, "lo": 4, "low</w>": 5, "!": 6, "!</w>": 7,
       "<|startoftext|>": 8, "<|endoftext|>": 9}
      """;
  private static final String SMALL_MERGES = "#version: 0.2\nl o\nlo w</w>\n";

  @TempDir Path folder;

  @Test
  void everyReferenceEncodingOfClipsVocabularyIsReproduced() throws IOException {
    unzip("vocab.json");
    unzip("merges.txt");
    ClipTokenizer tokenizer = ClipTokenizer.load(folder);
    List<JsonNode> rows = rows("encodings.jsonl.gz");

    assertThat(rows).hasSize(3389);
    for (JsonNode row : rows) {
      String text = row.get("text").asText();
      assertThat(tokenizer.encode(text)).as(text).containsExactly(ints(row.get("ids")));
      if (row.hasNonNull("padded77")) {
        assertThat(tokenizer.encode(text, tokenizer.modelMaxLength()))
            .as(text)
            .containsExactly(ints(row.get("padded77")));
      }
    }
  }

  @Test
  void everyReferenceEncodingOfToyWorldIsReproduced() throws IOException {
    ClipTokenizer tokenizer = ClipTokenizer.load(TOYWORLD);
    List<JsonNode> rows = rows("encodings_toyworld.jsonl.gz");

    assertThat(tokenizer.modelMaxLength()).isEqualTo(24);
    assertThat(rows).hasSize(128);
    for (JsonNode row : rows) {
      String text = row.get("text").asText();
      assertThat(tokenizer.encode(text, 24)).as(text).containsExactly(ints(row.get("ids")));
    }
  }

  @Test
  void folderWithoutConfigsIsClips() throws IOException {
    ClipTokenizer tokenizer = small(SMALL_VOCABULARY, SMALL_MERGES);

    assertThat(tokenizer.modelMaxLength()).isEqualTo(77);
    assertThat(tokenizer.encode("LOW lo", 8)).containsExactly(8, 5, 0, 9, 9, 9, 9, 9);
    assertThat(tokenizer.endId()).isEqualTo(9);
  }

  @Test
  void symbolsOutsideTheVocabularyBecomeTheUnknownToken() throws IOException {
    assertThat(small(SMALL_VOCABULARY, SMALL_MERGES).encode("xlow")).containsExactly(8, 9, 5, 9);
  }

  @Test
  void longTextIsCutBeforeItsEndToken() throws IOException {
    assertThat(small(SMALL_VOCABULARY, SMALL_MERGES).encode("low low low low", 4))
        .containsExactly(8, 5, 5, 9);
  }

  @Test
  void mapOverridesConfigSoThatStableDiffusion2PadsWithAnExclamationMark() throws IOException {
    write("tokenizer_config.json", "{\"pad_token\": \"<|endoftext|>\", \"model_max_length\": 6}");
    write("special_tokens_map.json", "{\"pad_token\": {\"content\": \"!\", \"lstrip\": false}}");
    ClipTokenizer tokenizer = small(SMALL_VOCABULARY, SMALL_MERGES);

    assertThat(tokenizer.paddingId()).isEqualTo(6);
    assertThat(tokenizer.encode("low", 6)).containsExactly(8, 5, 9, 6, 6, 6);
    // A special token in the text is that token, here without the end-of-word mark.
    assertThat(tokenizer.encode("low!")).containsExactly(8, 5, 6, 9);
  }

  @Test
  void configOfTheNewerKindIsNotOverridden() throws IOException {
    write(
        "tokenizer_config.json",
        "{\"added_tokens_decoder\": {}, \"pad_token\": \"<|endoftext|>\"}");
    write("special_tokens_map.json", "{\"pad_token\": \"!\"}");

    assertThat(small(SMALL_VOCABULARY, SMALL_MERGES).paddingId()).isEqualTo(9);
  }

  @Test
  void endlessLengthMeansClips() throws IOException {
    write("tokenizer_config.json", "{\"model_max_length\": 1000000000000000019884624838656}");

    assertThat(small(SMALL_VOCABULARY, SMALL_MERGES).modelMaxLength()).isEqualTo(77);
  }

  @Test
  void missingFilesAreNamed() throws IOException {
    assertRefused(() -> ClipTokenizer.load(folder.resolve("none")), "none: no such folder");
    assertRefused(() -> ClipTokenizer.load(folder), "vocab.json: no such file");
    write("vocab.json", SMALL_VOCABULARY);
    assertRefused(() -> ClipTokenizer.load(folder), "merges.txt: no such file");
  }

  @Test
  void malformedVocabulariesAreRefused() {
    assertVocabularyRefused("[1, 2]", "not a JSON object");
    assertVocabularyRefused("{\"a\": 1", "not valid JSON");
    assertVocabularyRefused("", "not a JSON object");
    assertVocabularyRefused("{\"a\": 1} {}", "not valid JSON");
    assertVocabularyRefused("{\"a\": 1, \"a\": 2}", "Duplicate field 'a'");
    assertVocabularyRefused("{\"a\": 1, \"b\": 1}", "tokens \"a\" and \"b\" share the id 1");
    assertVocabularyRefused("{\"a\": 1.5}", "the id of token \"a\" is 1.5");
    assertVocabularyRefused("{\"a\": -1}", "the id of token \"a\" is -1");
    assertVocabularyRefused("{\"a\": \"1\"}", "the id of token \"a\" is \"1\"");
    assertVocabularyRefused("{\"a\": 4294967296}", "the id of token \"a\" is 4294967296");
    assertVocabularyRefused("{\"a\": 1}", "the start token \"<|startoftext|>\" is missing");
  }

  @Test
  void malformedMergesAreRefused() {
    assertRefused(() -> small(SMALL_VOCABULARY, "l o\nlow\n"), "merges.txt: line 2 is not two");
    assertRefused(() -> small(SMALL_VOCABULARY, "l  o\n"), "merges.txt: line 1 is not two");
    assertRefused(() -> small(SMALL_VOCABULARY, "l w\n"), "line 1 needs the token \"lw\"");
    assertRefused(() -> small(SMALL_VOCABULARY, "q o\n"), "line 1 needs the token \"q\"");
  }

  @Test
  void bytesThatAreNotUtf8AreRefused() throws IOException {
    Files.write(folder.resolve("vocab.json"), new byte[] {'{', (byte) 0xC3, '}'});

    assertRefused(() -> ClipTokenizer.load(folder), "vocab.json: not UTF-8");
  }

  @Test
  void malformedConfigsAreRefused() throws IOException {
    write("tokenizer_config.json", "{\"pad_token\": 3}");
    assertRefused(() -> small(SMALL_VOCABULARY, SMALL_MERGES), "pad_token is 3, not a token");
    write("tokenizer_config.json", "{\"pad_token\": \"<pad>\"}");
    assertRefused(() -> small(SMALL_VOCABULARY, SMALL_MERGES), "padding token \"<pad>\"");
    write("tokenizer_config.json", "{\"model_max_length\": 1}");
    assertRefused(() -> small(SMALL_VOCABULARY, SMALL_MERGES), "model_max_length is 1");
    write("tokenizer_config.json", "{\"model_max_length\": \"77\"}");
    assertRefused(() -> small(SMALL_VOCABULARY, SMALL_MERGES), "model_max_length is \"77\"");
  }

  private ClipTokenizer small(String vocabulary, String merges) throws IOException {
    write("vocab.json", vocabulary);
    write("merges.txt", merges);
    return ClipTokenizer.load(folder);
  }

  private void assertVocabularyRefused(String vocabulary, String why) {
    assertRefused(() -> small(vocabulary, "#version: 0.2\n"), why);
  }

  private static void assertRefused(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable load, String why) {
    assertThatThrownBy(load)
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.INPUT_DATA))
        .hasMessageStartingWith("Cannot read ")
        .hasMessageContaining(why);
  }

  private void write(String name, String content) throws IOException {
    Files.writeString(folder.resolve(name), content);
  }

  private void unzip(String name) throws IOException {
    try (InputStream in = zipped(name + ".gz")) {
      Files.copy(in, folder.resolve(name));
    }
  }

  private static InputStream zipped(String name) throws IOException {
    return new GZIPInputStream(Files.newInputStream(GOLDENS.resolve(name)));
  }

  private static List<JsonNode> rows(String name) throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<JsonNode> rows = new ArrayList<>();
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(zipped(name), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        rows.add(json.readTree(line));
      }
    }
    return rows;
  }

  private static int[] ints(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::intValue).toArray();
  }
}
