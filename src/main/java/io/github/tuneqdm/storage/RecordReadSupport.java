package io.github.tuneqdm.storage;

import io.github.tuneqdm.error.TuneQdmException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.hadoop.api.InitContext;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.io.api.RecordMaterializer;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;

/** Turns Parquet rows into Java records. */
final class RecordReadSupport<R extends Record> extends ReadSupport<R> {
  private final Class<R> rowType;
  private final List<ParquetColumn> columns;
  private final MessageType schema;
  private final Object fileName;

  RecordReadSupport(
      Class<R> rowType, List<ParquetColumn> columns, MessageType schema, Object fileName) {
    this.rowType = rowType;
    this.columns = columns;
    this.schema = schema;
    this.fileName = fileName;
  }

  @Override
  public ReadContext init(InitContext context) {
    MessageType inFile = context.getFileSchema();
    for (Type column : schema.getFields()) {
      if (!inFile.containsField(column.getName())) {
        throw TuneQdmException.inputData(
            "Cannot read the table %s: it has no column '%s'"
                .formatted(fileName, column.getName()));
      }
      Type found = inFile.getType(column.getName());
      if (!found.equals(column)) {
        throw TuneQdmException.inputData(
            "Cannot read the table %s: column '%s' is '%s', not '%s'"
                .formatted(fileName, column.getName(), found, column));
      }
    }
    return new ReadContext(schema);
  }

  @Override
  @SuppressWarnings("deprecation") // still abstract in Parquet
  public RecordMaterializer<R> prepareForRead(
      Configuration configuration,
      Map<String, String> metadata,
      MessageType fileSchema,
      ReadContext context) {
    return materializer();
  }

  @Override
  public RecordMaterializer<R> prepareForRead(
      ParquetConfiguration configuration,
      Map<String, String> metadata,
      MessageType fileSchema,
      ReadContext context) {
    return materializer();
  }

  private RecordMaterializer<R> materializer() {
    Constructor<R> constructor = canonicalConstructor(rowType);
    Row row = new Row(columns);
    return new RecordMaterializer<>() {
      @Override
      public R getCurrentRecord() {
        try {
          return constructor.newInstance(row.values);
        } catch (InvocationTargetException e) {
          throw TuneQdmException.inputData(
              "Cannot read the table %s: a row is not acceptable (%s)"
                  .formatted(fileName, e.getCause().getMessage()),
              e.getCause());
        } catch (ReflectiveOperationException e) {
          throw new IllegalStateException("Cannot make a " + rowType.getSimpleName(), e);
        }
      }

      @Override
      public GroupConverter getRootConverter() {
        return row;
      }
    };
  }

  private static <R> Constructor<R> canonicalConstructor(Class<R> rowType) {
    Class<?>[] types =
        Arrays.stream(rowType.getRecordComponents())
            .map(RecordComponent::getType)
            .toArray(Class<?>[]::new);
    try {
      Constructor<R> constructor = rowType.getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return constructor;
    } catch (NoSuchMethodException e) {
      throw new IllegalStateException("every record has its canonical constructor", e);
    }
  }

  /** Collects the values of the row under way. */
  private static final class Row extends GroupConverter {
    private final Converter[] converters;
    private Object[] values;

    Row(List<ParquetColumn> columns) {
      converters = new Converter[columns.size()];
      for (int i = 0; i < converters.length; i++) {
        converters[i] =
            columns.get(i).kind() == ParquetColumn.Kind.FLOATS
                ? new FloatList(this, i)
                : new Cell(this, i, columns.get(i).kind());
      }
    }

    @Override
    public Converter getConverter(int index) {
      return converters[index];
    }

    @Override
    public void start() {
      values = new Object[converters.length];
    }

    @Override
    public void end() {
      // The record is made from the values when Parquet asks for it.
    }
  }

  private static final class Cell extends PrimitiveConverter {
    private final Row row;
    private final int index;
    private final ParquetColumn.Kind kind;

    Cell(Row row, int index, ParquetColumn.Kind kind) {
      this.row = row;
      this.index = index;
      this.kind = kind;
    }

    @Override
    public void addBinary(Binary value) {
      row.values[index] =
          kind == ParquetColumn.Kind.STRING ? value.toStringUsingUTF8() : value.getBytes();
    }

    @Override
    public void addInt(int value) {
      row.values[index] = value;
    }

    @Override
    public void addLong(long value) {
      row.values[index] = value;
    }

    @Override
    public void addFloat(float value) {
      row.values[index] = value;
    }

    @Override
    public void addDouble(double value) {
      row.values[index] = value;
    }

    @Override
    public void addBoolean(boolean value) {
      row.values[index] = value;
    }
  }

  /** A list column: an outer group, a repeated group in it, and the element in that. */
  private static final class FloatList extends GroupConverter {
    private final Row row;
    private final int index;
    private float[] buffer = new float[16];
    private int count;

    FloatList(Row row, int index) {
      this.row = row;
      this.index = index;
    }

    private void add(float value) {
      if (count == buffer.length) {
        buffer = Arrays.copyOf(buffer, 2 * count);
      }
      buffer[count++] = value;
    }

    @Override
    public Converter getConverter(int field) {
      PrimitiveConverter element =
          new PrimitiveConverter() {
            @Override
            public void addFloat(float value) {
              add(value);
            }
          };
      return new GroupConverter() {
        @Override
        public Converter getConverter(int inner) {
          return element;
        }

        @Override
        public void start() {
          // An element is added as it comes.
        }

        @Override
        public void end() {
          // An element is added as it comes.
        }
      };
    }

    @Override
    public void start() {
      count = 0;
    }

    @Override
    public void end() {
      row.values[index] = Arrays.copyOf(buffer, count);
    }
  }
}
