package io.github.tuneqdm.storage;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import org.apache.parquet.format.ColumnChunk;
import org.apache.parquet.format.ColumnMetaData;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.PageEncodingStats;
import org.apache.parquet.format.RowGroup;
import org.apache.parquet.format.Util;

/**
 * Makes a Parquet file's footer a function of its rows. Parquet lists a column's encodings in the
 * order of a hash set of enums, and an enum's hash differs from one JVM to the next.
 */
final class ParquetFooter {
  private static final int TAIL = 8; // footer length, then the magic number

  private ParquetFooter() {}

  /** The same file with every list of encodings sorted. */
  static byte[] withSortedEncodings(byte[] file) {
    ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int footerLength = buffer.getInt(file.length - TAIL);
    int footerStart = file.length - TAIL - footerLength;
    try {
      FileMetaData footer =
          Util.readFileMetaData(new ByteArrayInputStream(file, footerStart, footerLength));
      for (RowGroup group : footer.getRow_groups()) {
        for (ColumnChunk column : group.getColumns()) {
          sort(column.getMeta_data());
        }
      }
      ByteArrayOutputStream sorted = new ByteArrayOutputStream(file.length);
      sorted.write(file, 0, footerStart);
      Util.writeFileMetaData(footer, sorted);
      int sortedLength = sorted.size() - footerStart;
      sorted.write(
          ByteBuffer.allocate(Integer.BYTES)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putInt(sortedLength)
              .array());
      sorted.write(file, file.length - Integer.BYTES, Integer.BYTES);
      return sorted.toByteArray();
    } catch (IOException e) {
      throw new IllegalStateException("a footer that was just written can be read", e);
    }
  }

  private static void sort(ColumnMetaData column) {
    Collections.sort(column.getEncodings());
    if (column.isSetEncoding_stats()) {
      List<PageEncodingStats> stats = new ArrayList<>(column.getEncoding_stats());
      stats.sort(
          Comparator.comparing(PageEncodingStats::getPage_type)
              .thenComparing(PageEncodingStats::getEncoding));
      column.setEncoding_stats(stats);
    }
  }
}
