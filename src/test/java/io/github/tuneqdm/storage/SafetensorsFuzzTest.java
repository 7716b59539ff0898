package io.github.tuneqdm.storage;

import io.github.tuneqdm.fuzz.Fuzzer;
import io.github.tuneqdm.fuzz.Mutator;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("fuzz")
class SafetensorsFuzzTest {
  private static final Pattern MARKS = Pattern.compile("[{}\\[\\],:]|\"[^\"]*\"");

  private static final List<String> WORDS =
      List.of(
          "{",
          "}",
          "[",
          "]",
          ",",
          ":",
          "\"a\"",
          "\"dtype\"",
          "\"shape\"",
          "\"data_offsets\"",
          "\"__metadata__\"",
          "\"F32\"",
          "\"BF16\"",
          "\"BOOL\"",
          "\"U64\"",
          "\"F8_E4M3\"",
          "\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},",
          " ",
          "\\u0000",
          "[0,8]",
          "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]");

  @TempDir Path folder;

  @Test
  void noBytesBringTheReaderDown() throws IOException {
    Path file = folder.resolve("fuzzed.safetensors");
    Fuzzer.fuzz(
        "safetensors reader",
        List.of(
            tensors(),
            SafetensorsWriter.toBytes(Map.of(), Map.of("format", "pt")),
            Files.readAllBytes(Goldens.path("pt/zoo_expected.safetensors"))),
        bytes -> {
          Files.write(file, bytes);
          try (SafetensorsFile opened = SafetensorsFile.open(file)) {
            for (String name : opened.names()) {
              StoredTensor tensor = opened.tensor(name);
              tensor.toDoubles();
              tensor.toFloats();
            }
            opened.metadata();
          }
        },
        SafetensorsFuzzTest::damagedHeader,
        SafetensorsFuzzTest::damagedHeader);
  }

  private static byte[] tensors() {
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    tensors.put("a.weight", StoredTensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
    tensors.put("b", StoredTensor.of(new long[] {1L << 60, -1}, 2));
    tensors.put("c", StoredTensor.of(DType.BF16, new byte[8], 4, 1));
    tensors.put("none", StoredTensor.of(DType.U8, new byte[0], 0, 7));
    return SafetensorsWriter.toBytes(tensors, Map.of("k", "v"));
  }

  /** Damages the JSON and makes the length before it fit again. */
  private static byte[] damagedHeader(byte[] input, List<byte[]> others, Mutator mutator) {
    if (input.length < 8) {
      return mutator.bytes(input, others);
    }
    long length = ByteBuffer.wrap(input).order(ByteOrder.LITTLE_ENDIAN).getLong();
    int end = (int) Math.max(8, Math.min(input.length, 8 + Math.max(0, length)));
    String json = Mutator.latin1(Arrays.copyOfRange(input, 8, end));
    String damaged =
        mutator.random().nextBoolean() ? mutator.number(json) : mutator.tokens(json, MARKS, WORDS);
    byte[] header = damaged.getBytes(StandardCharsets.ISO_8859_1);
    ByteBuffer out =
        ByteBuffer.allocate(8 + header.length + input.length - end).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(header.length).put(header).put(input, end, input.length - end);
    return out.array();
  }

  @Test
  void noBytesBringTheIndexOfShardsDown() throws IOException {
    Path index = folder.resolve("model.safetensors.index.json");
    Files.write(folder.resolve("m.safetensors"), tensors());
    String json =
        "{\"metadata\":{\"total_size\":9},\"weight_map\":{\"a.weight\":\"m.safetensors\","
            + "\"b\":\"m.safetensors\",\"c\":\"m.safetensors\",\"none\":\"m.safetensors\"}}";
    Fuzzer.fuzz(
        "index of shards",
        List.of(json.getBytes(StandardCharsets.UTF_8)),
        bytes -> {
          Files.write(index, bytes);
          ShardedSafetensors.open(index).close();
        },
        (input, others, mutator) ->
            Mutator.latin1(
                mutator.tokens(
                    Mutator.latin1(input),
                    MARKS,
                    List.of("{", "}", "\"m.safetensors\"", "\"../x\"", "\"weight_map\"", ":"))));
  }

  @Test
  void noBytesBringTheReaderOfCheckpointsDown() throws IOException {
    Path file = folder.resolve("fuzzed.pt");
    Fuzzer.fuzz(
        "checkpoint reader",
        List.of(
            Files.readAllBytes(Goldens.path("pt/zoo.pt")),
            Files.readAllBytes(Goldens.path("pt/smallnet_legacy.pt"))),
        bytes -> {
          Files.write(file, bytes);
          TuneQdmCheckpoint.read(file);
        },
        SafetensorsFuzzTest::damagedPickle,
        SafetensorsFuzzTest::damagedPickle);
  }

  /** Damages the first record, which is the pickle, and makes its checksum fit again. */
  private static byte[] damagedPickle(byte[] input, List<byte[]> others, Mutator mutator) {
    String text = Mutator.latin1(input);
    int start = text.indexOf("data.pkl");
    int end = text.indexOf("PK\3\4", Math.max(0, start));
    if (start < 0 || end < 0) {
      return mutator.bytes(input, others);
    }
    java.util.zip.CRC32 before = new java.util.zip.CRC32();
    ByteBuffer file = ByteBuffer.wrap(input.clone()).order(ByteOrder.LITTLE_ENDIAN);
    int header = text.lastIndexOf("PK\3\4", start);
    if (header < 0 || header + 30 > input.length) {
      return mutator.bytes(input, others);
    }
    int length = file.getInt(header + 18);
    int from =
        header
            + 30
            + Short.toUnsignedInt(file.getShort(header + 26))
            + Short.toUnsignedInt(file.getShort(header + 28));
    int directory = text.indexOf("PK\1\2");
    if (length <= 0 || from + length > input.length || directory < 0) {
      return mutator.bytes(input, others);
    }
    before.update(input, from, length);
    byte[] pickle = Arrays.copyOfRange(input, from, from + length);
    byte[] damaged = Arrays.copyOf(mutator.bytes(pickle, List.of(pickle)), length);
    file.put(from, damaged);
    java.util.zip.CRC32 crc = new java.util.zip.CRC32();
    crc.update(damaged);
    for (int at = 0; at + 4 <= file.limit(); at++) {
      if (file.getInt(at) == (int) before.getValue()) {
        file.putInt(at, (int) crc.getValue());
      }
    }
    return file.array();
  }

  private record Row(String name, int step, byte[] packed, float[] scale, Double score) {}

  @Test
  void noBytesBringTheReaderOfTablesDown() throws IOException {
    ParquetTable<Row> table = ParquetTable.of(Row.class);
    Path file = folder.resolve("fuzzed.parquet");
    byte[] one =
        table.toBytes(
            List.of(
                new Row("a", 1, new byte[] {1, 2}, new float[] {1, 2, 3}, 0.5),
                new Row("b", 2, new byte[300], new float[0], null)));
    Fuzzer.fuzz(
        "table reader",
        List.of(one, table.toBytes(List.of())),
        bytes -> {
          Files.write(file, bytes);
          table.read(file);
        });
  }
}
