package io.github.tuneqdm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.ByteArrayOutputStream;
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
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

class TorchCheckpointTest {
  @TempDir Path folder;

  /** Writes pickles operation by operation. */
  private static final class Pickle {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Pickle() {
      op(0x80, 2);
    }

    Pickle op(int... bytes) {
      for (int b : bytes) {
        out.write(b);
      }
      return this;
    }

    Pickle text(String text) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      out.write('X');
      out.writeBytes(
          ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(utf8.length).array());
      out.writeBytes(utf8);
      return this;
    }

    Pickle number(int value) {
      out.write('J');
      out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
      return this;
    }

    Pickle global(String module, String name) {
      out.writeBytes(("c" + module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
      return this;
    }

    /** A float tensor in storage 0, with whatever size, stride and offset. */
    Pickle tensor(int elements, int offset, int[] size, int[] stride) {
      global("torch._utils", "_rebuild_tensor_v2").op('(', '(').text("storage");
      global("torch", "FloatStorage").text("0").text("cpu").number(elements).op('t', 'Q');
      number(offset).op('(');
      Arrays.stream(size).forEach(this::number);
      op('t', '(');
      Arrays.stream(stride).forEach(this::number);
      return op('t', 0x89).global("collections", "OrderedDict").op(')', 'R', 't', 'R');
    }

    byte[] end() {
      return op('.').out.toByteArray();
    }
  }

  private static Pickle pickle() {
    return new Pickle();
  }

  private Path archive(Map<String, byte[]> records, int method) throws IOException {
    Path path = folder.resolve("made.pt");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(path))) {
      for (Map.Entry<String, byte[]> record : records.entrySet()) {
        ZipEntry entry = new ZipEntry(record.getKey());
        entry.setMethod(method);
        entry.setSize(record.getValue().length);
        CRC32 crc = new CRC32();
        crc.update(record.getValue());
        entry.setCrc(crc.getValue());
        if (method == ZipEntry.STORED) {
          entry.setCompressedSize(record.getValue().length);
        }
        zip.putNextEntry(entry);
        zip.write(record.getValue());
        zip.closeEntry();
      }
    }
    return path;
  }

  private Path checkpoint(byte[] pickle) throws IOException {
    Map<String, byte[]> records = new LinkedHashMap<>();
    records.put("made/data.pkl", pickle);
    records.put("made/data/0", new byte[24]);
    return archive(records, ZipEntry.STORED);
  }

  private static void assertSameTensors(Map<?, ?> actual, Path expectedFile) {
    try (SafetensorsFile expected = SafetensorsFile.open(expectedFile)) {
      for (String name : expected.names()) {
        StoredTensor tensor = (StoredTensor) actual.get(name);
        assertThat(tensor).as(name).isNotNull();
        assertThat(tensor.dtype()).as(name).isEqualTo(expected.dtype(name));
        assertThat(tensor.shape()).as(name).isEqualTo(expected.shape(name));
        assertThat(tensor.bytes()).as(name).isEqualTo(expected.tensor(name).bytes());
      }
    }
  }

  @Test
  void every_type_stride_and_offset_of_the_zoo_is_read() {
    Map<?, ?> zoo = (Map<?, ?>) TorchCheckpoint.read(Goldens.path("pt/zoo.pt"));
    Map<String, Object> tensors = new LinkedHashMap<>();
    Map<String, Object> rest = new LinkedHashMap<>();
    flatten("", zoo, tensors, rest);
    assertSameTensors(tensors, Goldens.path("pt/zoo_expected.safetensors"));
    assertThat(tensors).hasSize(16);
    assertThat(rest.values())
        .hasAtLeastOneElementOfType(Long.class)
        .hasAtLeastOneElementOfType(Double.class)
        .hasAtLeastOneElementOfType(Boolean.class)
        .containsNull();
  }

  private static void flatten(
      String prefix, Map<?, ?> map, Map<String, Object> tensors, Map<String, Object> rest) {
    map.forEach(
        (key, value) -> {
          if (value instanceof Map<?, ?> inner) {
            flatten(prefix + key + ".", inner, tensors, rest);
          } else if (value instanceof StoredTensor) {
            tensors.put((String) key, value);
          } else if (value instanceof List<?> list) {
            list.forEach(item -> rest.put(prefix + key + rest.size(), item));
          } else {
            rest.put(prefix + key, value);
          }
        });
  }

  @Test
  void the_official_form_has_settings_and_tensors() {
    TuneQdmCheckpoint checkpoint = TuneQdmCheckpoint.read(Goldens.path("pt/smallnet_state.pt"));
    assertThat(checkpoint.config())
        .contains(new TuneQdmCheckpoint.Config(4, true, 2, 1000, false, false));
    assertSameTensors(checkpoint.deltaState(), Goldens.path("pt/smallnet_expected.safetensors"));
    assertThat(checkpoint.deltaState()).hasSize(10);
  }

  @Test
  void the_older_form_is_a_bare_state_dict() {
    TuneQdmCheckpoint checkpoint = TuneQdmCheckpoint.read(Goldens.path("pt/smallnet_legacy.pt"));
    assertThat(checkpoint.config()).isEmpty();
    assertSameTensors(checkpoint.deltaState(), Goldens.path("pt/smallnet_expected.safetensors"));
  }

  @Test
  void a_whole_official_checkpoint_equals_the_trained_state_it_was_saved_from() throws IOException {
    TuneQdmCheckpoint checkpoint = TuneQdmCheckpoint.read(Goldens.path("tuneqdm_state.pt"));
    assertThat(checkpoint.config().orElseThrow().bits()).isEqualTo(4);
    assertThat(checkpoint.config().orElseThrow().experts()).isEqualTo(4);
    Map<String, StoredTensor> state = checkpoint.deltaState();
    JsonNode layers =
        new ObjectMapper().readTree(Goldens.path("tuneqdm/sd1.index.json").toFile()).get("layers");
    try (SafetensorsFile trace = SafetensorsFile.open(Goldens.path("train_trace.safetensors"))) {
      for (JsonNode layer : layers) {
        String name = layer.get("name").asText();
        assertThat(state.get(name + ".delta_out_experts").toFloats())
            .isEqualTo(
                columns(
                    trace.tensor("n4.final.delta_out"),
                    layer.get("out_off").asInt(),
                    layer.get("shape").get(0).asInt()));
        assertThat(state.get(name + ".delta_in_experts").toFloats())
            .isEqualTo(
                columns(
                    trace.tensor("n4.final.delta_in"),
                    layer.get("in_off").asInt(),
                    layer.get("shape").get(1).asInt()));
        assertThat(state.get(name + ".weight_int").dtype()).isEqualTo(DType.I8);
      }
    }
  }

  /** Columns of a matrix, row after row. */
  private static float[] columns(StoredTensor matrix, int from, int count) {
    int rows = (int) matrix.shape()[0];
    int width = (int) matrix.shape()[1];
    float[] all = matrix.toFloats();
    float[] out = new float[rows * count];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(all, row * width + from, out, row * count, count);
    }
    return out;
  }

  @Test
  void contiguous_strided_and_scalar_views_are_read() throws IOException {
    Map<String, byte[]> records = new LinkedHashMap<>();
    ByteBuffer six = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 6; i++) {
      six.putFloat(i);
    }
    Pickle pickle = pickle().op('}', '(');
    pickle.text("flat").tensor(6, 1, new int[] {2, 2}, new int[] {2, 1});
    pickle.text("transposed").tensor(6, 0, new int[] {3, 2}, new int[] {1, 3});
    pickle.text("expanded").tensor(6, 5, new int[] {2, 3}, new int[] {0, 0});
    pickle.text("scalar").tensor(6, 4, new int[0], new int[0]);
    pickle.text("empty").tensor(6, 6, new int[] {0, 9}, new int[] {9, 1});
    records.put("x/data.pkl", pickle.op('u').end());
    records.put("x/data/0", six.array());
    Map<?, ?> read = (Map<?, ?>) TorchCheckpoint.read(archive(records, ZipEntry.STORED));
    assertThat(((StoredTensor) read.get("flat")).toFloats()).containsExactly(1, 2, 3, 4);
    assertThat(((StoredTensor) read.get("transposed")).toFloats())
        .containsExactly(0, 3, 1, 4, 2, 5);
    assertThat(((StoredTensor) read.get("expanded")).toFloats()).containsExactly(5, 5, 5, 5, 5, 5);
    assertThat(((StoredTensor) read.get("scalar")).toFloats()).containsExactly(4);
    assertThat(((StoredTensor) read.get("scalar")).shape()).isEmpty();
    assertThat(((StoredTensor) read.get("empty")).shape()).containsExactly(0, 9);
  }

  @Test
  void a_planted_call_is_refused_by_name_and_not_executed() throws IOException {
    Path witness = folder.resolve("executed");
    for (String module : new String[] {"os", "posix", "nt", "subprocess"}) {
      Path path =
          checkpoint(
              pickle().global(module, "system").text("touch " + witness).op(0x85, 'R').end());
      assertThatThrownBy(() -> TuneQdmCheckpoint.read(path))
          .isInstanceOf(TuneQdmException.class)
          .hasMessageContaining("'" + module + ".system'")
          .hasMessageContaining("nothing was executed")
          .satisfies(
              e -> assertThat(((TuneQdmException) e).exitCode()).isEqualTo(ExitCode.INPUT_DATA));
    }
    assertThat(witness).doesNotExist();
  }

  @TestFactory
  Stream<DynamicTest> pickles_that_are_not_plain_data_are_refused() {
    Map<String, Map.Entry<byte[], String>> cases = new LinkedHashMap<>();
    cases.put("eval", Map.entry(pickle().global("builtins", "eval").end(), "'builtins.eval'"));
    cases.put(
        "another function of an allowed module",
        Map.entry(pickle().global("torch", "load").end(), "'torch.load'"));
    cases.put(
        "a global by stack",
        Map.entry(pickle().text("os").text("system").op(0x93).end(), "'os.system'"));
    cases.put(
        "an instance", Map.entry(pickle().op('(', 'i').end(), "the operation 0x69 at byte 3"));
    cases.put("an extension", Map.entry(pickle().op(0x82, 1).end(), "the operation 0x82"));
    cases.put("a new object", Map.entry(pickle().op(')', ')', 0x81).end(), "0x81"));
    cases.put("truncated", Map.entry(pickle().op('X', 9).end(), "truncated"));
    cases.put("text over the end", Map.entry(pickle().op('X', 9, 0, 0, 0).end(), "truncated"));
    cases.put("empty stack", Map.entry(pickle().op('0').end(), "empty stack"));
    cases.put("no mark", Map.entry(pickle().op('t').end(), "mark that is not there"));
    cases.put("no end", Map.entry(new byte[] {(byte) 0x80, 2, 'N'}, "truncated"));
    cases.put("more after the end", Map.entry(pickle().op('N', '.', 'N').end(), "does not end"));
    cases.put("two results", Map.entry(pickle().op('N', 'N').end(), "does not end"));
    cases.put("unknown protocol", Map.entry(new byte[] {(byte) 0x80, 9, 'N', '.'}, "protocol 9"));
    cases.put("memo not filled", Map.entry(pickle().op('h', 3).end(), "never remembered"));
    cases.put(
        "memo over the limit",
        Map.entry(pickle().op('N', 'r', 255, 255, 255, 255).end(), "over the limit"));
    cases.put("number as key", Map.entry(pickle().op('}', 'K', 1, 'N', 's').end(), "no text"));
    cases.put("append to a tuple", Map.entry(pickle().op(')', 'N', 'a').end(), "appends to"));
    cases.put("item of a list", Map.entry(pickle().op(']').text("k").op('N', 's').end(), "item"));
    cases.put("call of a text", Map.entry(pickle().text("f").op(')', 'R').end(), "be called"));
    cases.put("state of a tuple", Map.entry(pickle().op(')', '}', 'b').end(), "sets attributes"));
    cases.put(
        "a list in itself",
        Map.entry(pickle().op(']', 'q', 0, 'h', 0, 'a').end(), "nested more than"));
    Pickle deep = pickle();
    for (int i = 0; i < 100_000; i++) {
      deep.op(']');
    }
    for (int i = 1; i < 100_000; i++) {
      deep.op('a');
    }
    cases.put("deep nesting", Map.entry(deep.end(), "nested more than"));
    Pickle laughs = pickle().op(']', 'q', 0);
    for (int i = 1; i < 60; i++) {
      laughs.op(']', '(', 'h', i - 1, 'h', i - 1, 'e', 'q', i);
    }
    cases.put("exponential sharing", Map.entry(laughs.op('q', 99, '(', '1').end(), "does not end"));
    Pickle bomb = pickle().op(']', 'q', 0, '0');
    for (int i = 1; i < 60; i++) {
      bomb.op(']', '(', 'h', i - 1, 'h', i - 1, 'e', 'q', i, '0');
    }
    cases.put("exponential tree", Map.entry(bomb.op('h', 59).end(), "more than"));
    cases.put(
        "integer of 100 bits",
        Map.entry(pickle().op(0x8a, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1).end(), "more than 64 bits"));
    cases.put(
        "storage too short",
        Map.entry(pickle().tensor(7, 0, new int[] {1}, new int[] {1}).end(), "claims 7 elements"));
    cases.put(
        "tensor past its storage",
        Map.entry(pickle().tensor(6, 4, new int[] {3}, new int[] {1}).end(), "beyond its storage"));
    cases.put(
        "stride past the storage",
        Map.entry(pickle().tensor(6, 0, new int[] {2}, new int[] {6}).end(), "beyond its storage"));
    cases.put(
        "shape overflow",
        Map.entry(
            pickle()
                .tensor(
                    6,
                    0,
                    new int[] {1 << 30, 1 << 30, 1 << 30},
                    new int[] {1 << 30, 1 << 30, 1 << 30})
                .end(),
            "beyond its storage"));
    cases.put(
        "negative offset",
        Map.entry(
            pickle().tensor(6, -1, new int[] {1}, new int[] {1}).end(), "beyond its storage"));
    cases.put(
        "negative stride",
        Map.entry(pickle().tensor(6, 5, new int[] {2}, new int[] {-1}).end(), "negative"));
    cases.put(
        "stride missing",
        Map.entry(pickle().tensor(6, 0, new int[] {2}, new int[0]).end(), "beyond its storage"));
    cases.put(
        "one number as a huge tensor",
        Map.entry(pickle().tensor(6, 0, new int[] {1 << 30}, new int[] {0}).end(), "more memory"));
    return cases.entrySet().stream()
        .map(
            c ->
                DynamicTest.dynamicTest(
                    c.getKey(),
                    () ->
                        assertThatThrownBy(
                                () -> TorchCheckpoint.read(checkpoint(c.getValue().getKey())))
                            .isInstanceOf(TuneQdmException.class)
                            .hasMessageContaining(c.getValue().getValue())));
  }

  @Test
  void compressed_records_are_refused_whatever_they_swell_to() throws IOException {
    Path path = archive(Map.of("x/data.pkl", new byte[1 << 20]), ZipEntry.DEFLATED);
    assertThat(Files.size(path)).isLessThan(4096);
    assertThatThrownBy(() -> TorchCheckpoint.read(path)).hasMessageContaining("is compressed");
  }

  @Test
  void names_that_leave_the_archive_lead_nowhere() throws IOException {
    Files.write(folder.resolve("0"), new byte[24]);
    Map<String, byte[]> records = new LinkedHashMap<>();
    records.put("x/data.pkl", pickle().tensor(6, 0, new int[] {1}, new int[] {1}).end());
    records.put("../../../../../../etc/cron.d/evil", new byte[9]);
    records.put("/etc/evil", new byte[9]);
    records.put("x/data/../0", new byte[24]);
    Path path = archive(records, ZipEntry.STORED);
    assertThatThrownBy(() -> TorchCheckpoint.read(path))
        .hasMessageContaining("'x/data/0' is missing");
    assertThat(folder.toFile().list()).containsExactlyInAnyOrder("0", "made.pt");
  }

  @Test
  void archives_whose_directory_lies_are_refused() throws IOException {
    byte[] good = Files.readAllBytes(checkpoint(pickle().op('N').end()));
    ByteBuffer view = ByteBuffer.wrap(good).order(ByteOrder.LITTLE_ENDIAN);
    int first = indexOf(good, "PK\1\2", 0);
    int second = indexOf(good, "PK\1\2", first + 1);
    Map<String, byte[]> cases = new LinkedHashMap<>();
    cases.put("overlap", edited(good, second + 42, view.getInt(first + 42)));
    cases.put("has the sizes", edited(good, first + 24, Integer.MAX_VALUE));
    cases.put(
        "lies outside the file", edited(edited(good, first + 24, 1 << 30), first + 20, 1 << 30));
    cases.put("lacks its 64-bit size", edited(edited(good, first + 24, -1), first + 20, -1));
    cases.put("its checksum is wrong", edited(good, first + 16, 7));
    cases.put("malformed at record", edited(good, second, 7));
    cases.put("directory lies outside", edited(good, good.length - 6, Integer.MAX_VALUE));
    cases.put("is over the limit", edited(good, good.length - 10, Integer.MAX_VALUE));
    for (Map.Entry<String, byte[]> bad : cases.entrySet()) {
      Path path = Files.write(folder.resolve("made.pt"), bad.getValue());
      assertThatThrownBy(() -> TorchCheckpoint.read(path))
          .isInstanceOf(TuneQdmException.class)
          .hasMessageContaining(bad.getKey());
    }
  }

  private static byte[] edited(byte[] file, int at, int value) {
    byte[] edited = file.clone();
    ByteBuffer.wrap(edited).order(ByteOrder.LITTLE_ENDIAN).putInt(at, value);
    return edited;
  }

  private static int indexOf(byte[] bytes, String part, int from) {
    return new String(bytes, StandardCharsets.ISO_8859_1).indexOf(part, from);
  }

  @Test
  void big_endian_and_foreign_archives_are_refused() throws IOException {
    Map<String, byte[]> records = new LinkedHashMap<>();
    records.put("x/data.pkl", pickle().op('N').end());
    records.put("x/byteorder", "big".getBytes(StandardCharsets.US_ASCII));
    Path path = archive(records, ZipEntry.STORED);
    assertThatThrownBy(() -> TorchCheckpoint.read(path))
        .hasMessageContaining("byte order is 'big'");
    archive(Map.of("mimetype", new byte[1]), ZipEntry.STORED);
    assertThatThrownBy(() -> TorchCheckpoint.read(path)).hasMessageContaining("no checkpoint");
    Files.write(path, new byte[] {(byte) 0x80, 2, 'N', '.'});
    assertThatThrownBy(() -> TorchCheckpoint.read(path)).hasMessageContaining("not a zip archive");
    Files.delete(path);
    assertThatThrownBy(() -> TorchCheckpoint.read(path)).hasMessageContaining("no such file");
  }

  @Test
  void a_storage_record_that_is_missing_is_named() throws IOException {
    Path path =
        archive(
            Map.of("x/data.pkl", pickle().tensor(6, 0, new int[] {1}, new int[] {1}).end()),
            ZipEntry.STORED);
    assertThatThrownBy(() -> TorchCheckpoint.read(path))
        .hasMessageContaining("'x/data/0' is missing");
  }

  @Test
  void checkpoints_of_other_programs_are_refused() throws IOException {
    assertThatThrownBy(() -> TuneQdmCheckpoint.read(checkpoint(pickle().op('N').end())))
        .hasMessageContaining("no dict");
    assertThatThrownBy(() -> TuneQdmCheckpoint.read(checkpoint(pickle().op('}').end())))
        .hasMessageContaining("delta_out_experts");
    assertThatThrownBy(
            () ->
                TuneQdmCheckpoint.read(
                    checkpoint(pickle().op('}').text("step").op('K', 1, 's').end())))
        .hasMessageContaining("'step' is no tensor");
  }

  @Test
  void any_flipped_or_missing_byte_is_refused_or_harmless() throws IOException {
    byte[] good = Files.readAllBytes(Goldens.path("pt/smallnet_state.pt"));
    Random random = new Random(4);
    Path path = folder.resolve("damaged.pt");
    int refused = 0;
    for (int i = 0; i < 500; i++) {
      byte[] bad = good.clone();
      bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
      Files.write(path, i % 5 == 0 ? Arrays.copyOf(bad, random.nextInt(bad.length)) : bad);
      try {
        TuneQdmCheckpoint.read(path);
      } catch (TuneQdmException e) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(250);
  }
}
