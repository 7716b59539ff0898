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
    cases.put("header not starting with a brace", Map.entry(file(" {}", 0), "start with '{'"));
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
        .satisfies(
            e -> assertThat(((TuneQdmException) e).exitCode()).isEqualTo(ExitCode.INPUT_DATA));
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
