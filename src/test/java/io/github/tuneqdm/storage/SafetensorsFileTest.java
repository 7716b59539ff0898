package io.github.tuneqdm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsFileTest {
  @TempDir Path folder;

  private static byte[] file(long length, String header, int dataBytes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
    out.writeBytes(header.getBytes(StandardCharsets.UTF_8));
    out.writeBytes(new byte[dataBytes]);
    return out.toByteArray();
  }

  private static byte[] file(String header, int dataBytes) {
    return file(header.getBytes(StandardCharsets.UTF_8).length, header, dataBytes);
  }

  private static String entry(String name, String dtype, String shape, String offsets) {
    return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}"
        .formatted(name, dtype, shape, offsets);
  }

  private static String tensors(String... entries) {
    return "{" + String.join(",", entries) + "}";
  }

  private static String[] many(int count, String dtype, String shape, String offsets) {
    return IntStream.range(0, count)
        .mapToObj(i -> entry("w" + i, dtype, shape, offsets))
        .toArray(String[]::new);
  }

  /** Names that Jackson's hash cannot tell apart: a long way through its table of names. */
  private static String[] colliding() {
    return IntStream.range(0, 1 << 13)
        .mapToObj(
            i -> {
              StringBuilder name = new StringBuilder();
              for (int bit = 0; bit < 13; bit++) {
                name.append((i >> bit & 1) == 0 ? "bB" : "c!"); // 33 b + B = 33 c + !
              }
              return entry(name.toString(), "U8", "[0]", "[0,0]");
            })
        .toArray(String[]::new);
  }

  private static byte[] utf16() {
    byte[] json = "{}".getBytes(StandardCharsets.UTF_16LE);
    return ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN).putLong(4).put(json).array();
  }

  private static byte[] zip() {
    return "PK\3\4\24\0\0\0\0\0\0\0".getBytes(StandardCharsets.ISO_8859_1);
  }

  private static byte[] polyglot(String entry) {
    byte[] good = file(tensors(entry), 8);
    byte[] both = Arrays.copyOf(good, good.length + zip().length);
    System.arraycopy(zip(), 0, both, good.length, zip().length);
    return both;
  }

  private static byte[] invalidUtf8() {
    byte[] bytes = file("{\"?\":{}}", 0);
    bytes[10] = (byte) 0xff;
    return bytes;
  }

  @TestFactory
  Stream<DynamicTest> malformed_files_are_refused_with_the_reason() {
    String a = entry("a", "F32", "[2]", "[0,8]");
    Map<String, Map.Entry<byte[], String>> cases = new LinkedHashMap<>();
    cases.put("empty file", Map.entry(new byte[0], "too few"));
    cases.put("file of seven bytes", Map.entry(new byte[7], "too few"));
    cases.put("header length zero", Map.entry(file(0, "", 16), "header length is 0"));
    cases.put("header longer than file", Map.entry(file(50, "{}", 0), "header is truncated"));
    cases.put("header over the limit", Map.entry(file(100_000_001L, "{}", 0), "over the limit"));
    cases.put("header length with the sign bit", Map.entry(file(-1, "{}", 0), "over the limit"));
    cases.put("header not starting with a brace", Map.entry(file("x{}", 0), "start with '{'"));
    cases.put("byte order mark", Map.entry(file("\uFEFF{}", 0), "start with '{'"));
    cases.put("header of white space", Map.entry(file("    ", 0), "start with '{'"));
    cases.put("header of one brace", Map.entry(file("{", 0), "not valid JSON"));
    cases.put("header in UTF-16", Map.entry(utf16(), "not valid JSON"));
    cases.put(
        "header length of 2^63 - 1", Map.entry(file(Long.MAX_VALUE, "{}", 0), "over the limit"));
    cases.put(
        "header length of 0xffffff0000003c",
        Map.entry(file(0xff_ffff_0000_003cL, "{}", 0), "over the limit"));
    cases.put("header length alone", Map.entry(file(60, "", 0), "header is truncated"));
    cases.put("length in big-endian", Map.entry(file(2L << 56, "{}", 0), "over the limit"));
    cases.put(
        "a pickle", Map.entry(new byte[] {(byte) 0x80, 2, '}', 'q', 0, '.', 0, 0, 0}, "over"));
    cases.put("a zip archive", Map.entry(zip(), "over the limit"));
    cases.put("header an array", Map.entry(file("[1]", 0), "start with '{'"));
    cases.put("header not JSON", Map.entry(file("{\"a\":", 0), "not valid JSON"));
    cases.put("header not UTF-8", Map.entry(invalidUtf8(), "UTF-8"));
    cases.put("text after the header", Map.entry(file("{} {}", 0), "goes on after"));
    cases.put("duplicate tensor", Map.entry(file(tensors(a, a), 8), "'a' occurs twice"));
    cases.put(
        "duplicate key in an entry",
        Map.entry(
            file("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[0]}}", 0), "'dtype' twice"));
    cases.put(
        "duplicate metadata block",
        Map.entry(file("{\"__metadata__\":{},\"__metadata__\":{}}", 0), "occurs twice"));
    cases.put(
        "duplicate metadata key",
        Map.entry(file("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0), "'k' occurs twice"));
    cases.put(
        "metadata not strings",
        Map.entry(file("{\"__metadata__\":{\"k\":1}}", 0), "'k' is not a string"));
    cases.put(
        "metadata not an object", Map.entry(file("{\"__metadata__\":[]}", 0), "not an object"));
    cases.put("entry not an object", Map.entry(file("{\"a\":3}", 0), "not an object"));
    cases.put(
        "unknown key", Map.entry(file("{\"a\":{\"strides\":[1]}}", 0), "unknown key 'strides'"));
    cases.put(
        "no offsets", Map.entry(file("{\"a\":{\"dtype\":\"U8\",\"shape\":[0]}}", 0), "lacks"));
    cases.put(
        "unknown dtype",
        Map.entry(file(tensors(entry("a", "F8_E4M3", "[8]", "[0,8]")), 8), "unknown dtype"));
    cases.put(
        "negative extent",
        Map.entry(file(tensors(entry("a", "F32", "[-2]", "[0,8]")), 8), "negative"));
    cases.put(
        "fractional extent",
        Map.entry(file(tensors(entry("a", "F32", "[2.0]", "[0,8]")), 8), "not an integer"));
    cases.put(
        "extent over 64 bits",
        Map.entry(
            file(tensors(entry("a", "F32", "[99999999999999999999]", "[0,8]")), 8), "overflow"));
    cases.put(
        "product of extents overflows",
        Map.entry(
            file(tensors(entry("a", "F32", "[4294967296,4294967296]", "[0,8]")), 8), "overflows"));
    cases.put(
        "bytes overflow",
        Map.entry(
            file(tensors(entry("a", "F64", "[2305843009213693952]", "[0,8]")), 8), "overflows"));
    cases.put(
        "shape does not match offsets",
        Map.entry(file(tensors(entry("a", "F32", "[3]", "[0,8]")), 8), "takes 12 bytes"));
    cases.put(
        "offsets out of order",
        Map.entry(file(tensors(entry("a", "F32", "[2]", "[8,0]")), 8), "out of order"));
    cases.put(
        "negative offset",
        Map.entry(file(tensors(entry("a", "F32", "[2]", "[-8,0]")), 8), "negative"));
    cases.put(
        "three offsets",
        Map.entry(file(tensors(entry("a", "F32", "[2]", "[0,8,8]")), 8), "has 3 values"));
    cases.put(
        "overlap", Map.entry(file(tensors(a, entry("b", "F32", "[2]", "[4,12]")), 12), "overlaps"));
    cases.put(
        "hole", Map.entry(file(tensors(a, entry("b", "F32", "[2]", "[12,20]")), 20), "hole of 4"));
    cases.put(
        "hole at the start",
        Map.entry(file(tensors(entry("b", "F32", "[2]", "[4,12]")), 12), "hole of 4"));
    cases.put("trailing data", Map.entry(file(tensors(a), 9), "goes on for 1 bytes"));
    cases.put("truncated data", Map.entry(file(tensors(a), 7), "truncated"));
    cases.put("polyglot: a zip archive after the data", Map.entry(polyglot(a), "goes on for"));
    cases.put("two bytes missing", Map.entry(file(tensors(a), 6), "truncated"));
    cases.put(
        "offsets beyond the file",
        Map.entry(
            file(tensors(entry("a", "U8", "[4611686018427387904]", "[0,4611686018427387904]")), 8),
            "truncated"));
    cases.put(
        "end offset of 2^63 - 1",
        Map.entry(
            file(tensors(entry("a", "U8", "[9223372036854775807]", "[0,9223372036854775807]")), 8),
            "truncated"));
    cases.put(
        "offset over 64 bits",
        Map.entry(
            file(tensors(entry("a", "U8", "[8]", "[0,18446744073709551616]")), 8), "overflows"));
    cases.put(
        "begin of 2^64 - 8, wrapping to the end",
        Map.entry(
            file(tensors(entry("a", "U8", "[8]", "[18446744073709551608,0]")), 8), "overflows"));
    cases.put(
        "extent of 2^64 - 2",
        Map.entry(
            file(tensors(entry("a", "I32", "[2,18446744073709551614]", "[0,16]")), 16),
            "overflows"));
    cases.put(
        "bytes of 2^64, wrapping to 0",
        Map.entry(
            file(tensors(entry("a", "F64", "[2305843009213693952,1]", "[0,0]")), 0), "overflows"));
    cases.put(
        "number of a thousand digits",
        Map.entry(
            file(tensors(entry("a", "U8", "[" + "9".repeat(1000) + "]", "[0,8]")), 8),
            "not valid"));
    cases.put(
        "extent with an exponent",
        Map.entry(file(tensors(entry("a", "U8", "[8e0]", "[0,8]")), 8), "not an integer"));
    cases.put(
        "extent in quotes",
        Map.entry(file(tensors(entry("a", "U8", "[\"8\"]", "[0,8]")), 8), "not an integer"));
    cases.put(
        "extent null",
        Map.entry(file(tensors(entry("a", "U8", "[null]", "[0,8]")), 8), "not an int"));
    cases.put(
        "extent NaN",
        Map.entry(file(tensors(entry("a", "U8", "[NaN]", "[0,8]")), 8), "not valid JSON"));
    cases.put(
        "nested shape",
        Map.entry(file(tensors(entry("a", "U8", "[[8]]", "[0,8]")), 8), "not an int"));
    cases.put(
        "shape a number",
        Map.entry(file(tensors(entry("a", "U8", "8", "[0,8]")), 8), "not an array"));
    cases.put(
        "one offset", Map.entry(file(tensors(entry("a", "U8", "[8]", "[8]")), 8), "has 1 values"));
    cases.put(
        "offsets an object",
        Map.entry(file(tensors(entry("a", "U8", "[8]", "{\"0\":8}")), 8), "not an array"));
    cases.put(
        "dtype in lower case",
        Map.entry(file(tensors(entry("a", "f32", "[2]", "[0,8]")), 8), "unknown dtype 'f32'"));
    cases.put(
        "dtype a number",
        Map.entry(file("{\"a\":{\"dtype\":1,\"shape\":[0]}}", 0), "dtype of tensor 'a' is not"));
    cases.put(
        "no dtype",
        Map.entry(file("{\"a\":{\"shape\":[0],\"data_offsets\":[0,0]}}", 0), "lacks 'dtype'"));
    cases.put(
        "no shape",
        Map.entry(file("{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,0]}}", 0), "lacks 'shape'"));
    cases.put("empty entry", Map.entry(file("{\"a\":{}}", 0), "lacks 'dtype'"));
    cases.put("entry null", Map.entry(file("{\"a\":null}", 0), "not an object"));
    cases.put(
        "the same name spelt in two ways",
        Map.entry(
            file(tensors(a, entry("\\u0061", "F32", "[2]", "[8,16]")), 16), "'a' occurs twice"));
    cases.put(
        "ten tensors over the same bytes",
        Map.entry(file(tensors(many(10, "F32", "[2]", "[0,8]")), 8), "overlaps"));
    cases.put(
        "a hundred thousand tensors over the same bytes",
        Map.entry(file(tensors(many(100_000, "F32", "[2]", "[0,8]")), 8), "overlaps"));
    cases.put(
        "a tensor inside another",
        Map.entry(
            file(
                tensors(entry("x", "U8", "[16]", "[0,16]"), entry("b", "F32", "[2]", "[4,12]")),
                16),
            "overlaps"));
    cases.put(
        "an empty tensor inside another",
        Map.entry(file(tensors(a, entry("e", "U8", "[0]", "[4,4]")), 8), "overlaps"));
    cases.put(
        "an empty tensor beyond the end",
        Map.entry(file(tensors(a, entry("e", "U8", "[0]", "[99,99]")), 8), "truncated"));
    cases.put("metadata null", Map.entry(file("{\"__metadata__\":null}", 0), "not an object"));
    cases.put(
        "metadata nested",
        Map.entry(file("{\"__metadata__\":{\"k\":{}}}", 0), "'k' is not a string"));
    cases.put("comment", Map.entry(file("{/* no */}", 0), "not valid JSON"));
    cases.put("comma at the end", Map.entry(file("{" + a + ",}", 8), "not valid JSON"));
    cases.put("single quotes", Map.entry(file("{'a':{}}", 0), "not valid JSON"));
    cases.put("NUL in the header", Map.entry(file("{\0}", 0), "not valid JSON"));
    cases.put(
        "raw control character in a name", Map.entry(file("{\"a\nb\":{}}", 0), "not valid JSON"));
    cases.put(
        "half of a surrogate pair",
        Map.entry(file("{\"\\ud83d\":{\"x\":1}}", 0), "unknown key 'x'"));
    cases.put(
        "name that steers a terminal",
        Map.entry(file("{\"\\u001b[2J\":{\"x\":1}}", 0), "tensor '\\u001b[2J' has"));
    cases.put(
        "name of a megabyte",
        Map.entry(file(tensors(entry("n".repeat(1 << 20), "U8", "[1]", "[0,8]")), 8), ""));
    cases.put(
        "names whose hashes are equal", Map.entry(file(tensors(colliding()), 1), "goes on for 1"));
    cases.put(
        "deep nesting",
        Map.entry(file("{\"a\":" + "[".repeat(5000) + "]".repeat(5000) + "}", 0), "not an object"));
    return cases.entrySet().stream()
        .map(
            c ->
                DynamicTest.dynamicTest(
                    c.getKey(), () -> refused(c.getValue().getKey(), c.getValue().getValue())));
  }

  private void refused(byte[] bytes, String reason) throws IOException {
    Path path = Files.write(folder.resolve("bad.safetensors"), bytes);
    assertThatThrownBy(() -> SafetensorsFile.open(path))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageStartingWith("Cannot read " + path)
        .hasMessageContaining(reason)
        .hasMessageNotContaining("\u001b")
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(3000))
        .satisfies(
            e -> assertThat(((TuneQdmException) e).exitCode()).isEqualTo(ExitCode.INPUT_DATA));
  }

  @TestFactory
  Stream<DynamicTest> odd_but_good_files_are_read() {
    Map<String, byte[]> cases = new LinkedHashMap<>();
    cases.put("no tensors", file("{}", 0));
    cases.put("white space after the header", file("{}\r \t\n", 0));
    cases.put("white space before the header", file("\t\n{}\r ", 0));
    cases.put("a scalar", file(tensors(entry("a", "I32", "[]", "[0,4]")), 4));
    cases.put("an empty tensor", file(tensors(entry("a", "I32", "[2,0]", "[0,0]")), 0));
    cases.put(
        "an empty tensor between two",
        file(
            tensors(
                entry("a", "U8", "[1]", "[0,1]"),
                entry("e", "F64", "[0,9]", "[1,1]"),
                entry("b", "U8", "[1]", "[1,2]")),
            2));
    cases.put("an empty name", file(tensors(entry("", "U8", "[1]", "[0,1]")), 1));
    cases.put(
        "entries in another order than their bytes",
        file(tensors(entry("b", "U8", "[1]", "[1,2]"), entry("a", "U8", "[1]", "[0,1]")), 2));
    cases.put(
        "two hundred thousand tensors", file(tensors(many(200_000, "U8", "[0]", "[0,0]")), 0));
    return cases.entrySet().stream()
        .map(c -> DynamicTest.dynamicTest(c.getKey(), () -> readWhole(c.getValue())));
  }

  private void readWhole(byte[] bytes) throws IOException {
    Path path = Files.write(folder.resolve("odd.safetensors"), bytes);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      long read = file.names().stream().mapToLong(n -> file.tensor(n).bytes().remaining()).sum();
      long header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
      assertThat(8 + header + read).isEqualTo(bytes.length);
    }
  }

  @Test
  void folders_pipes_and_devices_are_refused_and_links_followed() throws Exception {
    Path pipe = folder.resolve("pipe.safetensors");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    Path good = Files.write(folder.resolve("good"), file("{}", 0));
    Path link = Files.createSymbolicLink(folder.resolve("link.safetensors"), good);
    Path dangling = Files.createSymbolicLink(folder.resolve("none"), Path.of("nowhere"));

    assertThatThrownBy(() -> SafetensorsFile.open(folder)).hasMessageContaining("it is a folder");
    assertThatThrownBy(() -> SafetensorsFile.open(pipe))
        .hasMessageContaining("not an ordinary file");
    assertThatThrownBy(() -> SafetensorsFile.open(Path.of("/dev/zero")))
        .hasMessageContaining("not an ordinary file");
    assertThatThrownBy(() -> SafetensorsFile.open(dangling)).hasMessageContaining("no such file");
    SafetensorsFile.open(link).close();
    assertThatThrownBy(() -> TorchCheckpoint.read(pipe))
        .hasMessageContaining("not an ordinary file");
  }

  @Test
  void an_absent_file_is_refused() {
    assertThatThrownBy(() -> SafetensorsFile.open(folder.resolve("no.safetensors")))
        .hasMessageContaining("there is no such file");
  }

  @Test
  void a_tensor_that_is_not_there_is_named_with_its_file() throws IOException {
    Path path = Files.write(folder.resolve("x.safetensors"), file("{}", 0));
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThatThrownBy(() -> file.tensor("w"))
          .isInstanceOf(TuneQdmException.class)
          .hasMessageContaining("'w'")
          .hasMessageContaining(path.toString());
    }
  }

  @Test
  void tensors_beyond_two_gibibytes_into_the_file_are_read() throws IOException {
    long middle = 3L << 30;
    String header =
        tensors(
            entry("first", "F32", "[2]", "[0,8]"),
            entry("huge", "U8", "[" + middle + "]", "[8," + (8 + middle) + "]"),
            entry("last", "I64", "[1]", "[" + (8 + middle) + "," + (16 + middle) + "]"));
    byte[] start = file(header, 0);
    Path path = folder.resolve("sparse.safetensors");
    try (RandomAccessFile out = new RandomAccessFile(path.toFile(), "rw")) {
      out.setLength(start.length + 16 + middle);
      out.write(start);
      out.seek(start.length + 8 + middle);
      out.write(42);
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.names()).containsExactly("first", "huge", "last");
      assertThat(file.tensor("last").toLongs()).containsExactly(42);
      assertThat(file.tensor("first").toFloats()).containsExactly(0, 0);
      assertThat(file.shape("huge")).containsExactly(middle);
      assertThatThrownBy(() -> file.tensor("huge")).hasMessageContaining("2 GiB");
    }
  }

  @Test
  void every_golden_file_is_read_and_rewritten_byte_for_byte() throws IOException {
    List<Path> files;
    try (Stream<Path> walk = Files.walk(Goldens.path("."))) {
      files = walk.filter(p -> p.toString().endsWith(".safetensors")).sorted().toList();
    }
    assertThat(files).hasSizeGreaterThan(20);
    for (Path path : files) {
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        file.names().forEach(name -> tensors.put(name, file.tensor(name)));
        byte[] written = SafetensorsWriter.toBytes(tensors, file.metadata());
        assertThat(Arrays.equals(written, Files.readAllBytes(path))).as(path.toString()).isTrue();
      }
    }
  }

  @Test
  void tensors_stay_readable_after_the_file_is_closed() {
    StoredTensor tensor;
    try (SafetensorsFile file = SafetensorsFile.open(Goldens.path("pt/zoo_expected.safetensors"))) {
      tensor = file.tensor("i64");
    }
    assertThat(tensor.toLongs()).hasSize(24);
  }
}
