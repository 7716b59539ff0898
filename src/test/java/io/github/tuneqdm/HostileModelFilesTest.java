package io.github.tuneqdm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.diffusion.NoiseSchedule;
import io.github.tuneqdm.diffusion.Samplers;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.fuzz.Fuzzer;
import io.github.tuneqdm.fuzz.Mutator;
import io.github.tuneqdm.image.ImagePreprocessor;
import io.github.tuneqdm.inspect.Inspector;
import io.github.tuneqdm.metrics.PromptSet;
import io.github.tuneqdm.quant.QuantizedBase;
import io.github.tuneqdm.text.ClipTokenizer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** The texts of a model folder, damaged: configurations, tokenizers, manifests, prompts. */
class HostileModelFilesTest {
  private static final Path DEMO = Path.of("src/demo/toyworld");
  private static final Path TOKENIZER = DEMO.resolve("base/tokenizer");
  private static final String DEEP = "[".repeat(5000) + "]".repeat(5000);

  private static final Pattern MARKS = Pattern.compile("[{}\\[\\],:]|\"[^\"]*\"");

  @TempDir Path folder;

  @TestFactory
  Stream<DynamicTest> badNetworkConfigurationsAreRefused() throws IOException {
    String good = Files.readString(DEMO.resolve("base/unet/config.json"));
    Map<String, byte[]> cases = new LinkedHashMap<>(badJson());
    cases.put("negative channels", bytes(with(good, "in_channels", "-4")));
    cases.put("channels over 32 bits", bytes(with(good, "in_channels", "4294967300")));
    cases.put("channels with a fraction", bytes(with(good, "in_channels", "4.5")));
    cases.put("channels in quotes", bytes(with(good, "in_channels", "\"4\"")));
    cases.put("an infinite epsilon", bytes(with(good, "norm_eps", "1e999")));
    cases.put("an epsilon in words", bytes(with(good, "norm_eps", "\"small\"")));
    cases.put("groups that divide nothing", bytes(with(good, "norm_num_groups", "7")));
    cases.put("heads that divide nothing", bytes(with(good, "attention_head_dim", "7")));
    cases.put("a million layers", bytes(with(good, "layers_per_block", "1000000")));
    cases.put(
        "a million levels",
        bytes(with(good, "block_out_channels", "[" + "8,".repeat(999_999) + "8]")));
    cases.put("no levels", bytes(with(good, "block_out_channels", "[]")));
    cases.put("an unknown class", bytes(with(good, "_class_name", "\"\\u001b[2JNet\"")));
    Path unet = copy(DEMO.resolve("base/unet"), folder.resolve("unet"));
    return dynamic(
        cases,
        bad -> {
          Files.write(unet.resolve("config.json"), bad);
          Inspector.describe(unet);
        },
        unet.toString());
  }

  @TestFactory
  Stream<DynamicTest> badSchedulersAreRefused() throws IOException {
    Path file = folder.resolve("scheduler_config.json");
    String good = Files.readString(DEMO.resolve("base/scheduler/scheduler_config.json"));
    Map<String, byte[]> cases = new LinkedHashMap<>(badJson());
    cases.put("a billion timesteps", bytes(with(good, "num_train_timesteps", "1000000000")));
    cases.put("no timesteps", bytes(with(good, "num_train_timesteps", "0")));
    cases.put("timesteps NaN", bytes(with(good, "num_train_timesteps", "NaN")));
    cases.put("timesteps in words", bytes(with(good, "num_train_timesteps", "\"many\"")));
    cases.put("an unknown key", bytes(good.replaceFirst("\\{", "{\"import\": \"os\",")));
    return dynamic(
        cases,
        bad -> {
          Files.write(file, bad);
          NoiseSchedule.fromConfig(file);
        },
        file.toString());
  }

  @TestFactory
  Stream<DynamicTest> badPreprocessorsAreRefused() throws IOException {
    Path file = folder.resolve("preprocessor_config.json");
    String good = Files.readString(DEMO.resolve("clip/preprocessor_config.json"));
    Map<String, byte[]> cases = new LinkedHashMap<>(badJson());
    cases.put("a side of a million", bytes(with(good, "size", "1000000")));
    cases.put("a negative side", bytes(with(good, "size", "-1")));
    cases.put("a deviation of 0", bytes(with(good, "image_std", "[0, 1, 1]")));
    cases.put("an infinite mean", bytes(with(good, "image_mean", "[1e999, 1, 1]")));
    cases.put("two means", bytes(with(good, "image_mean", "[1, 1]")));
    return dynamic(
        cases,
        bad -> {
          Files.write(file, bad);
          ImagePreprocessor.fromConfig(file);
        },
        file.toString());
  }

  @TestFactory
  Stream<DynamicTest> badVocabulariesAreRefused() throws IOException {
    Path tokenizer = copy(TOKENIZER, folder.resolve("tokenizer"));
    String good = Files.readString(TOKENIZER.resolve("vocab.json"));
    Map<String, byte[]> cases = new LinkedHashMap<>(badJson());
    cases.put("a negative id", bytes(good.replaceFirst(": ?0,", ": -1,")));
    cases.put("two tokens of one id", bytes(good.replaceFirst(": ?0,", ": 1,")));
    cases.put("an id over 32 bits", bytes(good.replaceFirst(": ?0,", ": 4294967296,")));
    cases.put("a token twice", bytes("{\"a\":1,\"a\":2}"));
    cases.put("no special tokens", bytes("{\"a\":1}"));
    cases.put("names whose hashes are equal", bytes("{" + colliding() + "}"));
    return dynamic(
        cases,
        bad -> {
          Files.write(tokenizer.resolve("vocab.json"), bad);
          ClipTokenizer.load(tokenizer);
        },
        tokenizer.resolve("vocab.json").toString());
  }

  @TestFactory
  Stream<DynamicTest> badMergesAreRefused() throws IOException {
    Path tokenizer = copy(TOKENIZER, folder.resolve("merging"));
    Map<String, byte[]> cases = new LinkedHashMap<>();
    cases.put("not UTF-8", new byte[] {(byte) 0xC3, '(', '\n'});
    cases.put("three pieces", bytes("a b c\n"));
    cases.put("one piece", bytes("ab\n"));
    cases.put("NUL", bytes("\0 \0\n"));
    cases.put("unknown tokens", bytes("\u4e16 \u754c\n"));
    cases.put("a line of megabytes", bytes("a ".repeat(1 << 20)));
    cases.put("a binary file", new byte[4096]);
    return dynamic(
        cases,
        bad -> {
          Files.write(tokenizer.resolve("merges.txt"), bad);
          ClipTokenizer.load(tokenizer);
        },
        tokenizer.resolve("merges.txt").toString());
  }

  @TestFactory
  Stream<DynamicTest> badManifestsAreRefused() throws IOException {
    Path base = Files.createDirectory(folder.resolve("base-0"));
    Map<String, byte[]> cases = new LinkedHashMap<>(badJson());
    cases.put("another file's", bytes("{\"format\":\"other\"}"));
    cases.put("without its hash", bytes("{\"format\":\"tuneqdm-base\",\"format_version\":1}"));
    cases.put("with a wrong hash", bytes("{\"format\":\"tuneqdm-base\",\"sha256\":\"00\"}"));
    return dynamic(
        cases,
        bad -> {
          Files.write(base.resolve("manifest.json"), bad);
          QuantizedBase.open(base).close();
        },
        base.resolve("manifest.json").toString());
  }

  @TestFactory
  Stream<DynamicTest> badPromptFilesAreRefused() {
    Path file = folder.resolve("prompts.txt");
    Map<String, byte[]> cases = new LinkedHashMap<>();
    cases.put("empty", new byte[0]);
    cases.put("comments alone", bytes("# none\n\n"));
    cases.put("Latin-1", "caf\u00e9 {0} {1}".getBytes(StandardCharsets.ISO_8859_1));
    cases.put("UTF-16", "a {0} {1}".getBytes(StandardCharsets.UTF_16));
    cases.put("NUL", bytes("a {0}\0 {1}"));
    cases.put("escape sequence", bytes("a {0} {1}\u001b[2J"));
    cases.put("quoted", bytes("\"a {0} {1}\","));
    cases.put("no placeholder", bytes("a mug"));
    cases.put("two identifiers", bytes("{0} {0} {1}"));
    cases.put("other braces", bytes("a {0} {1} {2}"));
    cases.put("a prompt twice", bytes("a {0} {1}\na {0} {1}\n"));
    cases.put("a prompt of 2000 characters", bytes("{0} {1}" + " very".repeat(400)));
    cases.put("a line of megabytes", bytes("{0} {1}" + "x".repeat(1 << 20)));
    return dynamic(
        cases,
        bad -> {
          Files.write(file, bad);
          PromptSet.read(file);
        },
        file.toString());
  }

  @Test
  void filesThatAreFarTooLargeAreRefusedBeforeTheyAreRead() throws IOException {
    Path tokenizer = copy(TOKENIZER, folder.resolve("large"));
    Path base = Files.createDirectory(folder.resolve("base-1"));
    for (Path file : List.of(tokenizer.resolve("vocab.json"), base.resolve("manifest.json"))) {
      Files.deleteIfExists(file);
      try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
        sparse.setLength(1L << 40);
      }
    }
    assertThatThrownBy(() -> ClipTokenizer.load(tokenizer))
        .hasMessageContaining("larger than 32 MiB");
    assertThatThrownBy(() -> QuantizedBase.open(base)).hasMessageContaining("larger than 64 MiB");
  }

  @Test
  @Tag("fuzz")
  void noTextBringsTheReadersOfModelFoldersDown() throws IOException {
    Path scheduler = folder.resolve("scheduler_config.json");
    Path preprocessor = folder.resolve("preprocessor_config.json");
    List<Path> networks = new ArrayList<>();
    List<byte[]> texts = new ArrayList<>();
    for (String part : List.of("base/unet", "base/vae", "base/text_encoder", "dino", "clip")) {
      networks.add(copy(DEMO.resolve(part), folder.resolve(part.replace('/', '-'))));
      texts.add(Files.readAllBytes(DEMO.resolve(part).resolve("config.json")));
    }
    texts.add(Files.readAllBytes(DEMO.resolve("base/scheduler/scheduler_config.json")));
    texts.add(Files.readAllBytes(DEMO.resolve("clip/preprocessor_config.json")));
    Fuzzer.fuzz(
        "model configurations",
        texts,
        bytes -> {
          String text = Mutator.latin1(bytes);
          if (text.contains("Scheduler")) {
            Files.write(scheduler, bytes);
            NoiseSchedule.fromConfig(scheduler);
            Samplers.fromConfig(Samplers.readConfig(scheduler));
          } else if (text.contains("image_mean")) {
            Files.write(preprocessor, bytes);
            ImagePreprocessor.fromConfig(preprocessor);
          } else {
            Path network = networks.get(Math.floorMod(text.length(), networks.size()));
            for (Path candidate : networks) {
              if (text.contains(className(candidate))) {
                network = candidate;
              }
            }
            Files.write(network.resolve("config.json"), bytes);
            Inspector.describe(network);
          }
        },
        HostileModelFilesTest::damagedJson,
        HostileModelFilesTest::damagedJson,
        HostileModelFilesTest::damagedJson);
  }

  private static String className(Path network) {
    return switch (network.getFileName().toString()) {
      case "base-unet" -> "UNet2D";
      case "base-vae" -> "AutoencoderKL";
      case "base-text_encoder" -> "CLIPTextModel";
      case "dino" -> "ViTModel";
      default -> "CLIPModel";
    };
  }

  @Test
  @Tag("fuzz")
  void noTextBringsTheTokenizerDown() throws IOException {
    Path tokenizer = copy(TOKENIZER, folder.resolve("fuzzed"));
    List<String> files =
        List.of("vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json");
    List<byte[]> texts = new ArrayList<>();
    for (String file : files) {
      texts.add(Files.readAllBytes(TOKENIZER.resolve(file)));
    }
    Fuzzer.fuzz(
        "tokenizer",
        texts,
        bytes -> {
          String file = files.get(Math.floorMod(bytes.length, files.size()));
          for (String name : files) {
            Files.copy(
                TOKENIZER.resolve(name),
                tokenizer.resolve(name),
                StandardCopyOption.REPLACE_EXISTING);
          }
          Files.write(tokenizer.resolve(file), bytes);
          ClipTokenizer.load(tokenizer).encode("a photo of a sks mug \u00e9\ud83d", 77);
        },
        HostileModelFilesTest::damagedJson);
  }

  private static byte[] damagedJson(byte[] input, List<byte[]> others, Mutator mutator) {
    String json = Mutator.latin1(input);
    return Mutator.latin1(
        mutator.random().nextInt(3) > 0
            ? mutator.number(json)
            : mutator.tokens(
                json,
                MARKS,
                List.of("{", "}", "[", "]", "null", "-1", "1e400", "\"x\"", "[1,2]", "true")));
  }

  @FunctionalInterface
  private interface Reading {
    void of(byte[] bad) throws IOException;
  }

  private static Stream<DynamicTest> dynamic(
      Map<String, byte[]> cases, Reading reading, String named) {
    return cases.entrySet().stream()
        .map(
            c ->
                DynamicTest.dynamicTest(
                    c.getKey(),
                    () ->
                        assertThatThrownBy(() -> reading.of(c.getValue()))
                            .isInstanceOfSatisfying(
                                TuneQdmException.class,
                                e -> assertThat(e.exitCode()).isEqualTo(ExitCode.INPUT_DATA))
                            .hasMessageStartingWith("Cannot ")
                            .hasMessageContaining(named)
                            .hasMessageNotContaining("\u001b")
                            .hasMessageNotContaining("io.github")
                            .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(3000))));
  }

  private static Map<String, byte[]> badJson() {
    Map<String, byte[]> cases = new LinkedHashMap<>();
    cases.put("empty", new byte[0]);
    cases.put("null", bytes("null"));
    cases.put("an array", bytes("[]"));
    cases.put("a number", bytes("1"));
    cases.put("cut", bytes("{\"a\": [1, 2"));
    cases.put("nested five thousand deep", bytes("{\"a\":" + DEEP + "}"));
    cases.put(
        "a number of a hundred thousand digits", bytes("{\"a\":" + "9".repeat(100_000) + "}"));
    cases.put("not UTF-8", new byte[] {'{', '"', (byte) 0xFF, '"', ':', '1', '}'});
    cases.put("a binary file", new byte[4096]);
    return cases;
  }

  /** See the same in the tests of safetensors. */
  private static String colliding() {
    return String.join(
        ",",
        IntStream.range(0, 1 << 13)
            .mapToObj(
                i -> {
                  StringBuilder name = new StringBuilder();
                  for (int bit = 0; bit < 13; bit++) {
                    name.append((i >> bit & 1) == 0 ? "bB" : "c!");
                  }
                  return "\"" + name + "\":" + i;
                })
            .toList());
  }

  private static String with(String json, String key, String value) {
    String without =
        json.replaceAll("\"" + key + "\"\\s*:\\s*(\\[[^\\]]*\\]|\\{[^}]*\\}|[^,}\\n]+),?", "");
    assertThat(without).doesNotContain("\"" + key + "\"");
    return "{\"" + key + "\": " + value + "," + without.substring(without.indexOf('{') + 1);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Path copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
    return to;
  }
}
