package io.github.tuneqdm.verify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.text.ClipTokenizer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import java.util.zip.GZIPInputStream;

/**
 * The reference tokenizer's encodings, a JSON object a line: {@code text}, its {@code ids}, and
 * {@code padded<n>} for the ids cut or padded to n.
 */
final class TokenizerCheck {
  private static final Pattern PADDED = Pattern.compile("padded(\\d+)");
  private final GoldenFolder folder;
  private final Optional<PipelineFolder> base;

  TokenizerCheck(GoldenFolder folder, Optional<PipelineFolder> base) {
    this.folder = folder;
    this.base = base;
  }

  /** With the vocabulary that lies beside the encodings, compressed. */
  VerifyRow ownVocabulary(String file) {
    String beside = file.substring(0, file.lastIndexOf('/') + 1);
    try (TemporaryFolder unpacked = new TemporaryFolder()) {
      for (String part : List.of("vocab.json", "merges.txt")) {
        folder.read(
            beside + part + ".gz",
            path -> {
              try (InputStream in = unzipped(path)) {
                return unpacked.write(part, in);
              }
            });
      }
      ClipTokenizer tokenizer = ClipTokenizer.load(unpacked.path());
      return compare(file, tokenizer, tokenizer::encode);
    }
  }

  /** With the base model's tokenizer; {@code ids} are padded to its length. */
  VerifyRow basesVocabulary(String file) {
    ClipTokenizer tokenizer =
        base.orElseThrow(
                () ->
                    TuneQdmException.inputData(
                        "Cannot check " + file + " without its base model (--base FOLDER)"))
            .tokenizer();
    return compare(file, tokenizer, text -> tokenizer.encode(text, tokenizer.modelMaxLength()));
  }

  private VerifyRow compare(
      String file, ClipTokenizer tokenizer, Function<String, int[]> encoding) {
    int texts = 0;
    int equal = 0;
    String different = null;
    for (JsonNode line : folder.read(file, TokenizerCheck::lines)) {
      String text = line.path("text").asText();
      boolean same = line.path("text").isTextual() && line.has("ids");
      for (Iterator<String> keys = line.fieldNames(); keys.hasNext(); ) {
        String key = keys.next();
        Matcher padded = PADDED.matcher(key);
        if (key.equals("ids")) {
          same &= Arrays.equals(encoding.apply(text), ids(line.get(key)));
        } else if (padded.matches()) {
          int length = Integer.parseInt(padded.group(1));
          same &=
              line.get(key).isNull()
                  || Arrays.equals(tokenizer.encode(text, length), ids(line.get(key)));
        } else {
          same &= key.equals("text");
        }
      }
      texts++;
      equal += same ? 1 : 0;
      different = same || different != null ? different : text;
    }
    String detail = equal + " of " + texts + " texts encoded alike";
    return new VerifyRow(
        file,
        texts > 0 && equal == texts,
        Double.NaN,
        Double.NaN,
        different == null ? detail : detail + ", not \"" + different + "\"");
  }

  private static InputStream unzipped(Path path) throws IOException {
    return new GZIPInputStream(Files.newInputStream(path));
  }

  private static List<JsonNode> lines(Path path) throws IOException {
    ObjectMapper json = new ObjectMapper();
    try (BufferedReader reader =
        new BufferedReader(new InputStreamReader(unzipped(path), StandardCharsets.UTF_8))) {
      List<JsonNode> lines = new ArrayList<>();
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        lines.add(json.readTree(line));
      }
      return lines;
    }
  }

  private static int[] ids(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
  }
}
