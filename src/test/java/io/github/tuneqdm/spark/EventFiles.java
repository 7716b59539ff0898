package io.github.tuneqdm.spark;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/** TensorBoard's event files, read by protobuf's own parser, with every checksum compared. */
public final class EventFiles {
  private EventFiles() {}

  /** The scalars of each step by tag, both in the file's order. */
  public static Map<Long, Map<String, Float>> read(byte[] file) {
    Map<Long, Map<String, Float>> steps = new TreeMap<>();
    ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    boolean first = true;
    while (in.hasRemaining()) {
      UnknownFieldSet event = message(ByteString.copyFrom(record(in)));
      if (first) {
        require(event.getField(3).getLengthDelimitedList().get(0).toStringUtf8(), "brain.Event:2");
        first = false;
        continue;
      }
      long step = event.getField(2).getVarintList().get(0);
      require(Double.longBitsToDouble(event.getField(1).getFixed64List().get(0)), (double) step);
      UnknownFieldSet summary = message(event.getField(5).getLengthDelimitedList().get(0));
      Map<String, Float> values = new LinkedHashMap<>();
      for (ByteString bytes : summary.getField(1).getLengthDelimitedList()) {
        UnknownFieldSet value = message(bytes);
        values.put(
            value.getField(1).getLengthDelimitedList().get(0).toStringUtf8(),
            Float.intBitsToFloat(value.getField(2).getFixed32List().get(0)));
      }
      steps.put(step, values);
    }
    return steps;
  }

  private static byte[] record(ByteBuffer in) {
    byte[] length = new byte[Long.BYTES];
    in.get(length);
    requireChecksum(length, in.getInt());
    byte[] data = new byte[(int) ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong()];
    in.get(data);
    requireChecksum(data, in.getInt());
    return data;
  }

  /** As TensorFlow undoes the mask. */
  private static void requireChecksum(byte[] bytes, int masked) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    int rotated = masked - 0xa282ead8;
    require((rotated >>> 17) | (rotated << 15), (int) crc.getValue());
  }

  private static UnknownFieldSet message(ByteString bytes) {
    try {
      return UnknownFieldSet.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError("no message: " + Arrays.toString(bytes.toByteArray()), e);
    }
  }

  private static void require(Object actual, Object expected) {
    if (!actual.equals(expected)) {
      throw new AssertionError(actual + " is not " + expected);
    }
  }
}
