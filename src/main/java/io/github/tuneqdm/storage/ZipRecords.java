package io.github.tuneqdm.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;

/**
 * The records of a zip archive as PyTorch writes it: stored, not compressed, so that each can be
 * mapped into memory as it lies in the file. Compressed and encrypted records are refused, which
 * leaves no room for records that swell. Everything in the directory is checked against the file's
 * size before it is used.
 */
final class ZipRecords implements AutoCloseable {
  private static final int END_SIGNATURE = 0x06054b50;
  private static final int END_LENGTH = 22;
  private static final int END64_LOCATOR_SIGNATURE = 0x07064b50;
  private static final int END64_LOCATOR_LENGTH = 20;
  private static final int END64_SIGNATURE = 0x06064b50;
  private static final int END64_LENGTH = 56;
  private static final int ENTRY_SIGNATURE = 0x02014b50;
  private static final int ENTRY_LENGTH = 46;
  private static final int LOCAL_SIGNATURE = 0x04034b50;
  private static final int LOCAL_LENGTH = 30;
  private static final int MAX_COMMENT = 0xffff;
  private static final int ZIP64_EXTRA = 1;
  private static final long NOT_HERE = 0xffff_ffffL;
  private static final int ENCRYPTED = 1;

  private static final int MAX_RECORDS = 1_000_000;
  private static final int MAX_DIRECTORY_BYTES = 64 << 20;

  private final FileChannel channel;
  private final Map<String, Record> records;

  /** Where a record's bytes lie. */
  private record Record(long position, long length, int crc) {}

  /** A directory entry before its local header has been read. */
  private record Entry(String name, long headerPosition, long length, int crc) {}

  private ZipRecords(FileChannel channel, Map<String, Record> records) {
    this.channel = channel;
    this.records = records;
  }

  /**
   * Reads an archive's directory.
   *
   * @throws MalformedCheckpoint where it is not an archive of stored records
   */
  static ZipRecords open(Path path) throws IOException, MalformedCheckpoint {
    FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
    try {
      return new ZipRecords(channel, readDirectory(channel));
    } catch (IOException | MalformedCheckpoint | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Names of all records, in the directory's order. */
  List<String> names() {
    return List.copyOf(records.keySet());
  }

  boolean contains(String name) {
    return records.containsKey(name);
  }

  /**
   * Maps a record, after comparing its checksum.
   *
   * @throws MalformedCheckpoint where there is none, it is too long, or its checksum is wrong
   */
  ByteBuffer map(String name, long maxLength) throws IOException, MalformedCheckpoint {
    Record record = records.get(name);
    if (record == null) {
      throw new MalformedCheckpoint("the record '%s' is missing".formatted(name));
    }
    if (record.length > maxLength) {
      throw new MalformedCheckpoint(
          "the record '%s' of %d bytes is over the limit of %d"
              .formatted(name, record.length, maxLength));
    }
    if (record.length == 0) {
      return ByteBuffer.allocate(0);
    }
    ByteBuffer bytes = channel.map(FileChannel.MapMode.READ_ONLY, record.position, record.length);
    CRC32 crc = new CRC32();
    crc.update(bytes.duplicate());
    if ((int) crc.getValue() != record.crc) {
      throw new MalformedCheckpoint(
          "the record '%s' is damaged: its checksum is wrong".formatted(name));
    }
    return bytes.order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private static Map<String, Record> readDirectory(FileChannel channel)
      throws IOException, MalformedCheckpoint {
    long size = channel.size();
    long tailStart = Math.max(0, size - END_LENGTH - MAX_COMMENT);
    ByteBuffer tail = read(channel, tailStart, size - tailStart);
    int end = tail.limit() - END_LENGTH;
    while (end >= 0 && tail.getInt(end) != END_SIGNATURE) {
      end--;
    }
    if (end < 0) {
      throw new MalformedCheckpoint(
          "it is not a zip archive, or its end is missing (files of torch before 1.6 are not read:"
              + " load and save them again with a newer one)");
    }
    long count = Short.toUnsignedLong(tail.getShort(end + 10));
    long length = Integer.toUnsignedLong(tail.getInt(end + 12));
    long start = Integer.toUnsignedLong(tail.getInt(end + 16));
    long directoryLimit = tailStart + end;
    if (count == 0xffff || length == NOT_HERE || start == NOT_HERE) {
      long locator = tailStart + end - END64_LOCATOR_LENGTH;
      ByteBuffer found = read(channel, locator, END64_LOCATOR_LENGTH);
      if (found.getInt(0) != END64_LOCATOR_SIGNATURE) {
        throw new MalformedCheckpoint("the archive's 64-bit directory is missing");
      }
      directoryLimit = found.getLong(8);
      ByteBuffer end64 = read(channel, directoryLimit, END64_LENGTH);
      if (end64.getInt(0) != END64_SIGNATURE) {
        throw new MalformedCheckpoint("the archive's 64-bit directory is malformed");
      }
      count = end64.getLong(32);
      length = end64.getLong(40);
      start = end64.getLong(48);
    }
    if (count < 0 || count > MAX_RECORDS || length < 0 || length > MAX_DIRECTORY_BYTES) {
      throw new MalformedCheckpoint(
          "the archive's directory claims %d records in %d bytes, which is over the limit"
              .formatted(count, length));
    }
    if (start < 0 || start > directoryLimit - length) {
      throw new MalformedCheckpoint("the archive's directory lies outside the file");
    }
    return locate(channel, readEntries(read(channel, start, length), count), start);
  }

  private static List<Entry> readEntries(ByteBuffer directory, long count)
      throws MalformedCheckpoint {
    List<Entry> entries = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      if (directory.remaining() < ENTRY_LENGTH
          || directory.getInt(directory.position()) != ENTRY_SIGNATURE) {
        throw new MalformedCheckpoint("the archive's directory is malformed at record " + i);
      }
      int at = directory.position();
      int nameLength = Short.toUnsignedInt(directory.getShort(at + 28));
      int extraLength = Short.toUnsignedInt(directory.getShort(at + 30));
      int commentLength = Short.toUnsignedInt(directory.getShort(at + 32));
      int total = ENTRY_LENGTH + nameLength + extraLength + commentLength;
      if (directory.remaining() < total) {
        throw new MalformedCheckpoint("the archive's directory is truncated");
      }
      byte[] nameBytes = new byte[nameLength];
      directory.get(at + ENTRY_LENGTH, nameBytes);
      String name = new String(nameBytes, StandardCharsets.UTF_8);
      if ((directory.getShort(at + 8) & ENCRYPTED) != 0) {
        throw new MalformedCheckpoint("the record '%s' is encrypted".formatted(name));
      }
      if (directory.getShort(at + 10) != 0) {
        throw new MalformedCheckpoint(
            "the record '%s' is compressed, which torch.save never does".formatted(name));
      }
      long[] sizes = {
        Integer.toUnsignedLong(directory.getInt(at + 24)),
        Integer.toUnsignedLong(directory.getInt(at + 20)),
        Integer.toUnsignedLong(directory.getInt(at + 42))
      };
      readZip64(directory.slice(at + ENTRY_LENGTH + nameLength, extraLength), sizes, name);
      if (sizes[0] != sizes[1] || sizes[0] < 0 || sizes[2] < 0) {
        throw new MalformedCheckpoint(
            "the record '%s' has the sizes %d and %d".formatted(name, sizes[0], sizes[1]));
      }
      entries.add(new Entry(name, sizes[2], sizes[0], directory.getInt(at + 16)));
      directory.position(at + total);
    }
    return entries;
  }

  /**
   * Replaces full, stored size and position by the 64-bit values, where they stand in the extra.
   */
  private static void readZip64(ByteBuffer extra, long[] sizes, String name)
      throws MalformedCheckpoint {
    extra.order(ByteOrder.LITTLE_ENDIAN);
    while (extra.remaining() >= 4) {
      int id = Short.toUnsignedInt(extra.getShort());
      int length = Short.toUnsignedInt(extra.getShort());
      if (length > extra.remaining()) {
        break;
      }
      ByteBuffer field = extra.slice(extra.position(), length).order(ByteOrder.LITTLE_ENDIAN);
      extra.position(extra.position() + length);
      if (id == ZIP64_EXTRA) {
        for (int i = 0; i < sizes.length; i++) {
          if (sizes[i] == NOT_HERE && field.remaining() >= Long.BYTES) {
            sizes[i] = field.getLong();
          }
        }
      }
    }
    for (long size : sizes) {
      if (size == NOT_HERE) {
        throw new MalformedCheckpoint("the record '%s' lacks its 64-bit size".formatted(name));
      }
    }
  }

  /** Finds each record's bytes behind its local header; records may not overlap. */
  private static Map<String, Record> locate(
      FileChannel channel, List<Entry> entries, long directoryStart)
      throws IOException, MalformedCheckpoint {
    Map<String, Record> records = new LinkedHashMap<>();
    List<long[]> ranges = new ArrayList<>();
    for (Entry entry : entries) {
      if (entry.headerPosition > directoryStart - LOCAL_LENGTH) {
        throw outside(entry);
      }
      ByteBuffer local = read(channel, entry.headerPosition, LOCAL_LENGTH);
      if (local.getInt(0) != LOCAL_SIGNATURE || local.getShort(8) != 0) {
        throw new MalformedCheckpoint("the record '%s' is malformed".formatted(entry.name));
      }
      long position =
          entry.headerPosition
              + LOCAL_LENGTH
              + Short.toUnsignedInt(local.getShort(26))
              + Short.toUnsignedInt(local.getShort(28));
      if (position > directoryStart || entry.length > directoryStart - position) {
        throw outside(entry);
      }
      if (records.put(entry.name, new Record(position, entry.length, entry.crc)) != null) {
        throw new MalformedCheckpoint("the record '%s' occurs twice".formatted(entry.name));
      }
      ranges.add(new long[] {entry.headerPosition, position + entry.length});
    }
    ranges.sort(Comparator.comparingLong(range -> range[0]));
    for (int i = 1; i < ranges.size(); i++) {
      if (ranges.get(i)[0] < ranges.get(i - 1)[1]) {
        throw new MalformedCheckpoint("records of the archive overlap");
      }
    }
    return Collections.unmodifiableMap(records);
  }

  private static MalformedCheckpoint outside(Entry entry) {
    return new MalformedCheckpoint(
        "the record '%s' of %d bytes lies outside the file".formatted(entry.name, entry.length));
  }

  private static ByteBuffer read(FileChannel channel, long position, long length)
      throws IOException, MalformedCheckpoint {
    if (position < 0 || length > channel.size() - position) {
      throw new MalformedCheckpoint("the archive is truncated");
    }
    ByteBuffer buffer = ByteBuffer.allocate((int) length).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, position + buffer.position()) < 0) {
        throw new MalformedCheckpoint("the archive is truncated");
      }
    }
    return buffer.flip();
  }
}
