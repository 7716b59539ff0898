package io.github.tuneqdm.quant;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.ParquetTable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * A layer as a row of {@code layers.parquet}.
 *
 * @param name without {@code .weight}
 * @param kind {@code linear} or {@code conv2d}
 * @param shape extents with commas between: {@code 320,4,3,3}
 * @param bits width of a code
 * @param symmetric whether all zero-points are 0
 * @param packed codes, see {@link PackedTensor}
 * @param scale one an output channel
 * @param zeroPoint one an output channel
 * @param sha256 hash of all the columns before
 */
record LayerRow(
    String name,
    String kind,
    String shape,
    int bits,
    boolean symmetric,
    byte[] packed,
    float[] scale,
    float[] zeroPoint,
    String sha256) {

  static final ParquetTable<LayerRow> TABLE = ParquetTable.of(LayerRow.class);

  static LayerRow of(String name, QuantizedWeight weight) {
    String shape =
        String.join(",", Arrays.stream(weight.shape()).mapToObj(Long::toString).toList());
    LayerRow row =
        new LayerRow(
            name,
            weight.kind().fileName(),
            shape,
            weight.bits(),
            weight.symmetric(),
            weight.packed().bytes(),
            weight.scale(),
            weight.zeroPoint(),
            "");
    return new LayerRow(
        name,
        row.kind,
        row.shape,
        row.bits,
        row.symmetric,
        row.packed,
        row.scale,
        row.zeroPoint,
        row.contentSha256());
  }

  private String contentSha256() {
    String head = "%s %s %s %d %b\n".formatted(name, kind, shape, bits, symmetric);
    return Hashes.sha256(
        List.of(
            ByteBuffer.wrap(head.getBytes(StandardCharsets.UTF_8)),
            ByteBuffer.wrap(packed),
            littleEndian(scale),
            littleEndian(zeroPoint)));
  }

  private static ByteBuffer littleEndian(float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes;
  }

  /**
   * The weight, after checking that the row is whole.
   *
   * @param origin the file, for messages
   * @throws TuneQdmException (input data) where it is damaged or was made with other settings
   */
  QuantizedWeight weight(Object origin, QuantizerSettings expected) {
    if (name == null
        || kind == null
        || shape == null
        || packed == null
        || scale == null
        || zeroPoint == null
        || !contentSha256().equals(sha256)) {
      throw damaged(origin, "its content does not match its sha256");
    }
    if (bits != expected.bits() || symmetric != expected.symmetric()) {
      throw damaged(origin, "it was not quantised with the settings of the manifest");
    }
    try {
      long[] extents = Arrays.stream(shape.split(",")).mapToLong(Long::parseLong).toArray();
      int count = Math.toIntExact(Arrays.stream(extents).reduce(1, Math::multiplyExact));
      byte[] codes = new PackedTensor(bits, count, packed).unpack();
      return new QuantizedWeight(expected, extents, codes, scale, zeroPoint);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw damaged(origin, e.getMessage());
    }
  }

  private TuneQdmException damaged(Object origin, String reason) {
    return TuneQdmException.inputData(
        "Cannot read layer '%s' of %s: %s (delete the base, it is made anew)"
            .formatted(name, origin, reason));
  }
}
