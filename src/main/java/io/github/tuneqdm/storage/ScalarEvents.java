package io.github.tuneqdm.storage;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * Numbers over steps as TensorBoard reads them: an event file, which is TFRecords of {@code
 * tensorflow.Event} messages.
 *
 * <pre>
 * record   uint64 length, uint32 masked CRC-32C of the length, bytes, uint32 masked CRC-32C of them
 * Event    1 wall_time: double, 2 step: int64, 3 file_version: string, 5 summary: Summary
 * Summary  1 value: repeated { 1 tag: string, 2 simple_value: float }
 * </pre>
 *
 * <p>A step's wall time is its number in seconds, so that the same numbers give the same bytes
 * whenever they were made.
 */
public final class ScalarEvents {
  private static final int MASK_DELTA = 0xa282ead8;

  // Protobuf's wire types.
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED32 = 5;

  private final ByteArrayOutputStream records = new ByteArrayOutputStream();

  public ScalarEvents() {
    Message version = new Message();
    version.fixed64(1, Double.doubleToLongBits(0));
    version.bytes(3, utf8("brain.Event:2"));
    record(version);
  }

  /**
   * @param values by tag, in the order to be written
   */
  public void add(long step, Map<String, Double> values) {
    Message summary = new Message();
    values.forEach(
        (tag, value) -> {
          Message scalar = new Message();
          scalar.bytes(1, utf8(tag));
          scalar.fixed32(2, Float.floatToIntBits(value.floatValue()));
          summary.bytes(1, scalar.toBytes());
        });
    Message event = new Message();
    event.fixed64(1, Double.doubleToLongBits(step));
    event.varint(2, step);
    event.bytes(5, summary.toBytes());
    record(event);
  }

  /** The whole file. */
  public byte[] toBytes() {
    return records.toByteArray();
  }

  private void record(Message event) {
    byte[] data = event.toBytes();
    byte[] length = little(Long.BYTES).putLong(data.length).array();
    records.writeBytes(length);
    records.writeBytes(maskedChecksum(length));
    records.writeBytes(data);
    records.writeBytes(maskedChecksum(data));
  }

  /** Rotated and shifted, since a checksum of data that holds checksums is weak. */
  private static byte[] maskedChecksum(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    int masked = Integer.rotateRight((int) crc.getValue(), 15) + MASK_DELTA;
    return little(Integer.BYTES).putInt(masked).array();
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** A protobuf message in the making. */
  private static final class Message {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    void varint(int field, long value) {
      key(field, VARINT);
      raw(value);
    }

    void fixed64(int field, long bits) {
      key(field, FIXED64);
      out.writeBytes(little(Long.BYTES).putLong(bits).array());
    }

    void fixed32(int field, int bits) {
      key(field, FIXED32);
      out.writeBytes(little(Integer.BYTES).putInt(bits).array());
    }

    void bytes(int field, byte[] value) {
      key(field, BYTES);
      raw(value.length);
      out.writeBytes(value);
    }

    byte[] toBytes() {
      return out.toByteArray();
    }

    private void key(int field, int wireType) {
      raw(field << 3 | wireType);
    }

    private void raw(long value) {
      long rest = value;
      while ((rest & ~0x7FL) != 0) {
        out.write((int) (rest & 0x7F | 0x80));
        rest >>>= 7;
      }
      out.write((int) rest);
    }
  }
}
