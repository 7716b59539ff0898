package io.github.tuneqdm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.parquet.format.ColumnMetaData;
import org.apache.parquet.format.CompressionCodec;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.PageHeader;
import org.apache.parquet.format.Type;
import org.apache.parquet.format.Util;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

class ParquetTableTest {
  private record Score(
      String subjectName,
      int step,
      long seed,
      float loss,
      double dino,
      boolean tuned,
      byte[] packedBytes,
      float[] scales,
      Double clipT) {}

  private record Narrow(String subjectName, long seed) {}

  private record Other(String subjectName, long missing) {}

  private record Mistyped(int subjectName) {}

  private static final ParquetTable<Score> SCORES = ParquetTable.of(Score.class);

  @TempDir Path folder;

  private static List<Score> rows() {
    return List.of(
        new Score(
            "b\u00e4ll",
            1,
            1L << 40,
            0.1f,
            -0.2,
            true,
            new byte[] {0, -1},
            new float[] {1, 2},
            0.5),
        new Score(null, -1, -1, Float.NaN, 1e300, false, new byte[0], new float[0], null),
        new Score("", 0, 0, -0f, 0, false, null, null, Double.NEGATIVE_INFINITY));
  }

  /** Every cell as text or bytes, since arrays have no equality of their own. */
  private static List<List<Object>> cells(List<Score> rows) {
    return rows.stream()
        .map(
            r ->
                Arrays.<Object>asList(
                    r.subjectName,
                    r.step,
                    r.seed,
                    r.loss,
                    r.dino,
                    r.tuned,
                    r.packedBytes == null ? null : ByteBuffer.wrap(r.packedBytes),
                    r.scales == null ? null : FloatBuffer.wrap(r.scales),
                    r.clipT))
        .toList();
  }

  private static FileSystem local() {
    return Publisher.fileSystem(
        new org.apache.hadoop.fs.Path("file:///"), new Configuration(false));
  }

  @Test
  void rows_come_back_as_they_were_written() {
    org.apache.hadoop.fs.Path path =
        new org.apache.hadoop.fs.Path(folder.resolve("scores.parquet").toUri());
    SCORES.publish(local(), path, rows());
    assertThat(cells(SCORES.read(local(), path))).isEqualTo(cells(rows()));
    assertThat(cells(SCORES.read(folder.resolve("scores.parquet")))).isEqualTo(cells(rows()));
    assertThat(ParquetTable.of(Narrow.class).read(local(), path))
        .containsExactly(
            new Narrow("b\u00e4ll", 1L << 40), new Narrow(null, -1), new Narrow("", 0));
  }

  @Test
  void the_same_rows_give_the_same_bytes() {
    assertThat(SCORES.toBytes(rows())).isEqualTo(SCORES.toBytes(rows()));
    assertThat(SCORES.toBytes(List.of())).isEqualTo(SCORES.toBytes(List.of()));
  }

  @Test
  void large_cells_and_many_rows_come_back() throws IOException {
    Random random = new Random(3);
    List<Score> many = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      byte[] bytes = new byte[1 << 20];
      random.nextBytes(bytes);
      many.add(new Score("s" + i, i, i, i, i, true, bytes, new float[1000], null));
    }
    Path file = Files.write(folder.resolve("large.parquet"), SCORES.toBytes(many));
    assertThat(cells(SCORES.read(file))).isEqualTo(cells(many));
  }

  @Test
  void a_table_of_no_rows_is_a_table() throws IOException {
    Path file = Files.write(folder.resolve("none.parquet"), SCORES.toBytes(List.of()));
    assertThat(SCORES.read(file)).isEmpty();
  }

  @Test
  void missing_and_mistyped_columns_are_named() throws IOException {
    Path file = Files.write(folder.resolve("t.parquet"), SCORES.toBytes(rows()));
    assertThatThrownBy(() -> ParquetTable.of(Other.class).read(file))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("no column 'missing'");
    assertThatThrownBy(() -> ParquetTable.of(Mistyped.class).read(file))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("'subject_name' is");
  }

  @Test
  void damaged_files_are_refused() throws IOException {
    byte[] good = SCORES.toBytes(rows());
    for (int length : new int[] {0, 3, 12, good.length / 2, good.length - 1}) {
      Path file = Files.write(folder.resolve("bad.parquet"), Arrays.copyOf(good, length));
      assertThatThrownBy(() -> SCORES.read(file))
          .isInstanceOf(TuneQdmException.class)
          .hasMessageStartingWith("Cannot read the table " + file)
          .satisfies(
              e -> assertThat(((TuneQdmException) e).exitCode()).isEqualTo(ExitCode.INPUT_DATA));
    }
    assertThatThrownBy(() -> SCORES.read(folder.resolve("absent.parquet")))
        .isInstanceOf(TuneQdmException.class);
  }

  @Test
  void rowsMayBeWrittenAndReadOneByOne() throws IOException {
    Path file = Files.createFile(folder.resolve("streamed.parquet"));
    try (ParquetTable.Writer<Score> writer = SCORES.writer(file)) {
      rows().forEach(writer::write);
    }

    org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path(file.toUri());
    FileSystem fs = path.getFileSystem(new Configuration());
    try (Stream<Score> rows = SCORES.stream(fs, path)) {
      assertThat(cells(rows.toList())).isEqualTo(cells(rows()));
    }

    Files.write(file, Arrays.copyOf(Files.readAllBytes(file), 50));
    assertThatThrownBy(
            () -> {
              try (Stream<Score> rows = SCORES.stream(fs, path)) {
                rows.toList();
              }
            })
        .isInstanceOf(TuneQdmException.class)
        .hasMessageStartingWith("Cannot read the table ");
  }

  /** The same command does it once the storage is back; the table is as good as before. */
  @Test
  void aSilentStorageIsNoDamagedTable() throws IOException {
    Path file = Files.write(folder.resolve("good.parquet"), SCORES.toBytes(rows()));
    org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path("faulty://" + file);
    FileSystem fs = Publisher.fileSystem(path, FaultyDisk.configuration("silent"));
    List<ThrowingCallable> reads =
        List.of(() -> SCORES.read(fs, path), () -> SCORES.stream(fs, path));
    for (ThrowingCallable read : reads) {
      assertThatThrownBy(read)
          .isInstanceOf(TuneQdmException.class)
          .hasMessageStartingWith("Cannot read the table " + path)
          .satisfies(
              e -> assertThat(((TuneQdmException) e).exitCode()).isEqualTo(ExitCode.ENVIRONMENT));
    }
  }

  private record One(long seed) {}

  @TestFactory
  Stream<DynamicTest> tables_that_lie_about_themselves_are_refused() {
    ParquetTable<One> table = ParquetTable.of(One.class);
    byte[] good = table.toBytes(List.of(new One(1), new One(1L << 40), new One(-7)));
    Map<String, byte[]> cases = new LinkedHashMap<>();
    cases.put("another magic number", edited(good, good.length - 4, 0));
    cases.put("a footer of 0 bytes", edited(good, good.length - 8, 0));
    cases.put("a footer of 2 GiB", edited(good, good.length - 8, Integer.MAX_VALUE));
    cases.put("a negative footer", edited(good, good.length - 8, -1));
    cases.put("a trillion rows", footer(good, f -> rows(f, 1L << 40)));
    cases.put("a negative number of rows", footer(good, f -> rows(f, -1)));
    cases.put("one row more than there are", footer(good, f -> rows(f, 4)));
    cases.put("pages beyond the file", footer(good, f -> column(f).setData_page_offset(1L << 40)));
    cases.put("pages before the file", footer(good, f -> column(f).setData_page_offset(-9)));
    cases.put(
        "a chunk of 2^62 bytes", footer(good, f -> column(f).setTotal_compressed_size(1L << 62)));
    cases.put("a negative chunk", footer(good, f -> column(f).setTotal_compressed_size(-1)));
    cases.put("another codec", footer(good, f -> column(f).setCodec(CompressionCodec.GZIP)));
    cases.put("another type", footer(good, f -> f.getSchema().get(1).setType(Type.INT32)));
    cases.put(
        "a column under another name",
        footer(good, f -> f.getSchema().get(1).setName("\u001b[2J")));
    cases.put(
        "a column with a billion children",
        footer(good, f -> f.getSchema().get(0).setNum_children(1 << 30)));
    cases.put("no columns", footer(good, f -> f.getRow_groups().get(0).getColumns().clear()));
    cases.put("a page that swells to 2 GiB", page(good, Integer.MAX_VALUE));
    cases.put("a page of a negative size", page(good, -1));
    return cases.entrySet().stream()
        .map(
            c ->
                DynamicTest.dynamicTest(
                    c.getKey(),
                    () -> {
                      Path file = Files.write(folder.resolve("lie.parquet"), c.getValue());
                      assertThatThrownBy(() -> table.read(file))
                          .isInstanceOf(TuneQdmException.class)
                          .hasMessageStartingWith("Cannot read the table " + file + ": ")
                          .hasMessageNotContaining("\u001b");
                    }));
  }

  private static byte[] edited(byte[] file, int at, int value) {
    byte[] edited = file.clone();
    ByteBuffer.wrap(edited).order(ByteOrder.LITTLE_ENDIAN).putInt(at, value);
    return edited;
  }

  private static void rows(FileMetaData footer, long count) {
    footer.setNum_rows(count);
    footer.getRow_groups().get(0).setNum_rows(count);
    column(footer).setNum_values(count);
  }

  private static ColumnMetaData column(FileMetaData footer) {
    return footer.getRow_groups().get(0).getColumns().get(0).getMeta_data();
  }

  private static byte[] footer(byte[] file, Consumer<FileMetaData> lie) {
    int length = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getInt(file.length - 8);
    int start = file.length - 8 - length;
    try {
      FileMetaData footer = Util.readFileMetaData(new ByteArrayInputStream(file, start, length));
      lie.accept(footer);
      return withFooter(Arrays.copyOf(file, start), footer);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] withFooter(byte[] data, FileMetaData footer) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(data);
    Util.writeFileMetaData(footer, out);
    int length = out.size() - data.length;
    out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(length).array());
    out.writeBytes("PAR1".getBytes(StandardCharsets.US_ASCII));
    return out.toByteArray();
  }

  /** The only column's first page claims to swell to so many bytes. */
  private static byte[] page(byte[] file, int swollen) {
    int length = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getInt(file.length - 8);
    int end = file.length - 8 - length;
    try {
      FileMetaData footer = Util.readFileMetaData(new ByteArrayInputStream(file, end, length));
      ByteArrayInputStream in = new ByteArrayInputStream(file, 4, end - 4);
      PageHeader header = Util.readPageHeader(in);
      header.setUncompressed_page_size(swollen);
      ByteArrayOutputStream data = new ByteArrayOutputStream();
      data.write(file, 0, 4);
      Util.writePageHeader(header, data);
      data.writeBytes(in.readAllBytes());
      int grown = data.size() - end;
      ColumnMetaData column = column(footer);
      column.setTotal_compressed_size(column.getTotal_compressed_size() + grown);
      if (column.getData_page_offset() > 4) {
        column.setData_page_offset(column.getData_page_offset() + grown);
      }
      return withFooter(data.toByteArray(), footer);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
