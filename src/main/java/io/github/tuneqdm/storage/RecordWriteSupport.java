package io.github.tuneqdm.storage;

import java.lang.reflect.InvocationTargetException;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.MessageType;

/** Turns Java records into Parquet rows. */
final class RecordWriteSupport<R extends Record> extends WriteSupport<R> {
  private final MessageType schema;
  private final List<ParquetColumn> columns;
  private RecordConsumer out;

  RecordWriteSupport(MessageType schema, List<ParquetColumn> columns) {
    this.schema = schema;
    this.columns = columns;
  }

  @Override
  @SuppressWarnings("deprecation") // still abstract in Parquet
  public WriteContext init(Configuration configuration) {
    return new WriteContext(schema, Map.of());
  }

  @Override
  public WriteContext init(ParquetConfiguration configuration) {
    return new WriteContext(schema, Map.of());
  }

  @Override
  public void prepareForWrite(RecordConsumer consumer) {
    out = consumer;
  }

  @Override
  public void write(R row) {
    out.startMessage();
    for (int i = 0; i < columns.size(); i++) {
      columns.get(i).write(out, i, value(columns.get(i), row));
    }
    out.endMessage();
  }

  private static Object value(ParquetColumn column, Record row) {
    try {
      return column.accessor().invoke(row);
    } catch (IllegalAccessException | InvocationTargetException e) {
      throw new IllegalStateException("Cannot read component " + column.name(), e);
    }
  }
}
