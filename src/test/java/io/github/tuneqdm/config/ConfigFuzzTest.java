package io.github.tuneqdm.config;

import io.github.tuneqdm.fuzz.Fuzzer;
import io.github.tuneqdm.fuzz.Mutator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("fuzz")
class ConfigFuzzTest {
  private static final Pattern MARKS =
      Pattern.compile("\\$\\{|[{}\\[\\],:=\\n.#]|\\+=|\"\"\"|\"|\\s+|[A-Za-z0-9_-]+");

  private static final List<String> WORDS =
      List.of(
          "{",
          "}",
          "[",
          "]",
          "${",
          "${?",
          "}",
          "=",
          "+=",
          ":",
          ",",
          "\n",
          "\"",
          "\"\"\"",
          "#",
          "//",
          "include ",
          "include file(",
          "include url(",
          "include required(",
          ")",
          "\"a.conf\"",
          "\"fuzzed.conf\"",
          "tuneqdm",
          ".",
          "tuneqdm.tuning.steps = ",
          "${tuneqdm.model.base}",
          "tuneqdm.model.base = ${tuneqdm.model.base}${tuneqdm.model.base}\n",
          "${PATH}",
          "null",
          "true",
          "1e400",
          "NaN",
          "\\u0000",
          "\u00e9",
          "[[[[[[[[[[[[[[[[",
          "{a:{a:{a:{a:{a:",
          "tuneqdm.data.names",
          "tuneqdm.quantizer.bits",
          "4",
          "10s",
          "64 MiB");

  @TempDir Path folder;

  @Test
  void noTextBringsTheConfigurationDown() throws IOException {
    Path file = folder.resolve("fuzzed.conf");
    Files.writeString(folder.resolve("a.conf"), "tuneqdm.tuning.steps = 3");
    List<byte[]> texts = new ArrayList<>();
    for (String name : List.of("conf/toyworld.conf", "conf/sd14.conf")) {
      texts.add(Files.readAllBytes(Path.of(name)));
    }
    texts.add(Files.readAllBytes(Path.of("src/main/resources/reference.conf")));
    texts.add(
        """
        include "a.conf"
        tuneqdm { model.base = ${tuneqdm.demo.dir}/base, data.names += x, tuning { steps = 1e3 } }
        tuneqdm.model.dino = \"""a "quoted" text\"""
        tuneqdm.model.clip = ${?NOT_SET}
        """
            .getBytes(StandardCharsets.UTF_8));
    Fuzzer.fuzz(
        "configuration",
        texts,
        bytes -> {
          Files.write(file, bytes);
          load(ConfigSource.file(file)).render();
        },
        ConfigFuzzTest::damagedText,
        ConfigFuzzTest::damagedText,
        ConfigFuzzTest::damagedText);
  }

  private static TuneQdmConfig load(ConfigSource source) {
    return new ConfigLayers(Map.of(), Map.of("tuneqdm.demo.dir", "/demo"), Optional.of(source))
        .load();
  }

  private static byte[] damagedText(byte[] input, List<byte[]> others, Mutator mutator) {
    return Mutator.latin1(mutator.tokens(Mutator.latin1(input), MARKS, WORDS));
  }
}
