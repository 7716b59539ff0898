package io.github.tuneqdm.storage;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.column.ParquetProperties;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.ParquetDecodingException;
import org.apache.parquet.schema.MessageType;

/**
 * Parquet files whose rows are a Java record: one column a component, named in snake_case ({@code
 * zeroPoint} is {@code zero_point}). Components are {@code String}, {@code int}, {@code long},
 * {@code float}, {@code double}, {@code boolean}, their boxed forms (a null is a missing value),
 * {@code byte[]} and {@code float[]} (a list column). The same rows give the same bytes. No Spark
 * is needed, and any Parquet reader can read the files.
 *
 * @param <R> the row
 */
public final class ParquetTable<R extends Record> {
  private static final int ROW_GROUP_BYTES = 64 << 20;
  private static final long MOST_ROWS_A_BYTE = 8;
  private static final int STREAMED_ROW_GROUP_BYTES = 8 << 20;

  private final Class<R> rowType;
  private final List<ParquetColumn> columns;
  private final MessageType schema;

  private ParquetTable(Class<R> rowType, List<ParquetColumn> columns, MessageType schema) {
    this.rowType = rowType;
    this.columns = columns;
    this.schema = schema;
  }

  /** The table of a record type; unsupported component types are programming errors. */
  public static <R extends Record> ParquetTable<R> of(Class<R> rowType) {
    List<ParquetColumn> columns = new ArrayList<>();
    for (RecordComponent component : rowType.getRecordComponents()) {
      columns.add(ParquetColumn.of(snakeCase(component.getName()), component));
    }
    MessageType schema =
        new MessageType(
            snakeCase(rowType.getSimpleName()),
            columns.stream().map(ParquetColumn::parquetType).toList());
    return new ParquetTable<>(rowType, List.copyOf(columns), schema);
  }

  private static String snakeCase(String camelCase) {
    return camelCase.replaceAll("(?<=[a-z0-9])(?=[A-Z])", "_").toLowerCase(Locale.ROOT);
  }

  /** The file's bytes. */
  public byte[] toBytes(List<R> rows) {
    MemoryOutputFile file = new MemoryOutputFile();
    try (ParquetWriter<R> writer =
        new Builder(file)
            .withConf(new Configuration(false))
            .withCompressionCodec(CompressionCodecName.ZSTD)
            .withWriterVersion(ParquetProperties.WriterVersion.PARQUET_1_0)
            .withRowGroupSize((long) ROW_GROUP_BYTES)
            .withMinRowCountForPageSizeCheck(1)
            .build()) {
      for (R row : rows) {
        writer.write(row);
      }
    } catch (IOException e) {
      throw new IllegalStateException("writing to memory cannot fail", e);
    }
    return ParquetFooter.withSortedEncodings(file.toByteArray());
  }

  /**
   * Writes rows one by one to a local file, for tables that do not fit into memory. Unlike {@link
   * #toBytes} it does not promise the same bytes for the same rows.
   *
   * @throws TuneQdmException (environment) where the file cannot be written
   */
  public Writer<R> writer(java.nio.file.Path file) {
    try {
      return new Writer<>(
          new Builder(new LocalOutputFile(file))
              .withConf(new Configuration(false))
              .withCompressionCodec(CompressionCodecName.ZSTD)
              .withRowGroupSize((long) STREAMED_ROW_GROUP_BYTES)
              .withWriteMode(ParquetFileWriter.Mode.OVERWRITE)
              .build(),
          file);
    } catch (IOException e) {
      throw Writer.unwritable(file, e);
    }
  }

  /** Takes a table's rows as they come. */
  public static final class Writer<R> implements AutoCloseable {
    private final ParquetWriter<R> rows;
    private final java.nio.file.Path file;

    private Writer(ParquetWriter<R> rows, java.nio.file.Path file) {
      this.rows = rows;
      this.file = file;
    }

    public void write(R row) {
      try {
        rows.write(row);
      } catch (IOException e) {
        throw unwritable(file, e);
      }
    }

    private static TuneQdmException unwritable(java.nio.file.Path file, IOException cause) {
      return TuneQdmException.environment(
          "Cannot write %s: %s".formatted(file, StorageProblem.reason(cause)), cause);
    }

    /** Ends the table; the file is whole then. May be called again. */
    @Override
    public void close() {
      try {
        rows.close();
      } catch (IOException e) {
        throw unwritable(file, e);
      }
    }
  }

  /**
   * Publishes the rows as a file (see {@link Publisher#publish(FileSystem, Path, byte[])}).
   *
   * @throws TuneQdmException (environment) where it cannot be written
   */
  public Publisher.Published publish(FileSystem fs, Path target, List<R> rows) {
    return Publisher.publish(fs, target, toBytes(rows));
  }

  /** As {@link #publish}, in the place of whatever is there. */
  public Publisher.Published replace(FileSystem fs, Path target, List<R> rows) {
    return Publisher.replace(fs, target, toBytes(rows));
  }

  /**
   * All rows of a file, in order. Columns the record does not have are passed over.
   *
   * @throws TuneQdmException (input data) where the file is absent, damaged, or lacks a column;
   *     (environment) where the storage fails
   */
  public List<R> read(FileSystem fs, Path file) {
    try {
      return read(HadoopInputFile.fromStatus(fs.getFileStatus(file), fs.getConf()), file);
    } catch (FileNotFoundException e) {
      throw unreadable(file, e);
    } catch (IOException e) {
      throw failing(file, e);
    }
  }

  /** As {@link #read(FileSystem, Path)} for a local file. */
  public List<R> read(java.nio.file.Path file) {
    try {
      return read(new LocalInputFile(file), file);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /**
   * The rows of a file in order, read as they are taken; the stream has to be closed.
   *
   * @throws TuneQdmException here or from the stream, as {@link #read(FileSystem, Path)} does
   */
  public Stream<R> stream(FileSystem fs, Path file) {
    try {
      InputFile input = HadoopInputFile.fromStatus(fs.getFileStatus(file), fs.getConf());
      requirePlausible(input);
      ParquetReader<R> reader = new Reader(input, file).build();
      return Stream.generate(() -> next(reader, file))
          .takeWhile(Objects::nonNull)
          .onClose(() -> close(reader, file));
    } catch (FileNotFoundException | RuntimeException e) {
      throw unreadable(file, e);
    } catch (IOException e) {
      throw failing(file, e);
    }
  }

  private R next(ParquetReader<R> reader, Path file) {
    try {
      return reader.read();
    } catch (TuneQdmException e) {
      throw e;
    } catch (RuntimeException e) {
      throw unreadable(file, e);
    } catch (IOException e) {
      throw failing(file, e);
    }
  }

  private void close(ParquetReader<R> reader, Path file) {
    try {
      reader.close();
    } catch (IOException e) {
      throw failing(file, e);
    }
  }

  private List<R> read(InputFile input, Object name) throws IOException {
    List<R> rows = new ArrayList<>();
    try {
      requirePlausible(input);
    } catch (RuntimeException e) {
      throw unreadable(name, e);
    }
    try (ParquetReader<R> reader = new Reader(input, name).build()) {
      for (R row = reader.read(); row != null; row = reader.read()) {
        rows.add(row);
      }
    } catch (TuneQdmException e) {
      throw e;
    } catch (RuntimeException e) {
      // Parquet reports damage with many kinds of unchecked exceptions.
      throw unreadable(name, e);
    } catch (OutOfMemoryError e) {
      // A damaged length is believed before it is read; only this table asked for so much.
      throw unreadable(name, new IOException("it asks for more memory than there is", e));
    }
    return rows;
  }

  /** Equal rows take next to no bytes, but here no two rows are equal. */
  private static void requirePlausible(InputFile input) throws IOException {
    try (ParquetFileReader file = ParquetFileReader.open(input)) {
      long rows = file.getRecordCount();
      if (rows < 0 || rows > MOST_ROWS_A_BYTE * input.getLength()) {
        throw new ParquetDecodingException(
            "it claims %d rows in %d bytes".formatted(rows, input.getLength()));
      }
    }
  }

  private static TuneQdmException unreadable(Object file, Exception cause) {
    return TuneQdmException.inputData(
        "Cannot read the table %s: %s".formatted(file, StorageProblem.reason(cause)), cause);
  }

  private static TuneQdmException failing(Object file, IOException cause) {
    return StorageProblem.environment("Cannot read the table " + file, cause);
  }

  private final class Builder extends ParquetWriter.Builder<R, Builder> {
    Builder(OutputFile file) {
      super(file);
    }

    @Override
    protected Builder self() {
      return this;
    }

    @Override
    @SuppressWarnings("deprecation") // still abstract in Parquet
    protected WriteSupport<R> getWriteSupport(Configuration configuration) {
      return new RecordWriteSupport<>(schema, columns);
    }
  }

  private final class Reader extends ParquetReader.Builder<R> {
    private final Object name;

    Reader(InputFile input, Object name) {
      super(input);
      this.name = name;
    }

    @Override
    protected RecordReadSupport<R> getReadSupport() {
      return new RecordReadSupport<>(rowType, columns, schema, name);
    }
  }

  @Override
  public String toString() {
    return "ParquetTable" + Arrays.toString(columns.toArray());
  }
}
