package io.github.tuneqdm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
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
}
