package io.github.tuneqdm.storage;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes safetensors files. The same tensors and metadata give the same bytes, in the reference
 * implementation's layout: types in its descending order (which puts wider elements first, so that
 * every tensor is aligned), then names; the header padded with spaces to a multiple of 8 bytes.
 */
public final class SafetensorsWriter {
  private static final JsonFactory JSON = new JsonFactory();

  /** The reference's order of types, as it lays them out. */
  private static final List<DType> LAYOUT_ORDER =
      List.of(
          DType.U64,
          DType.I64,
          DType.F64,
          DType.F32,
          DType.U32,
          DType.I32,
          DType.BF16,
          DType.F16,
          DType.U16,
          DType.I16,
          DType.I8,
          DType.U8,
          DType.BOOL);

  private SafetensorsWriter() {}

  /**
   * Writes a new file; one that is there is replaced, and a failed attempt leaves none.
   *
   * @throws TuneQdmException (environment) where the file cannot be written
   */
  public static void write(
      Path path, Map<String, StoredTensor> tensors, Map<String, String> metadata) {
    try {
      try (FileChannel channel =
          FileChannel.open(
              path,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        write(channel, tensors, metadata);
        channel.force(true);
      } catch (IOException e) {
        Files.deleteIfExists(path);
        throw e;
      }
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot write %s: %s".formatted(path, e), e);
    }
  }

  /** The bytes of the file, for small sets of tensors. */
  public static byte[] toBytes(Map<String, StoredTensor> tensors, Map<String, String> metadata) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      write(Channels.newChannel(out), tensors, metadata);
    } catch (IOException e) {
      throw new IllegalStateException("writing to memory cannot fail", e);
    }
    return out.toByteArray();
  }

  /** The bytes of the file in pieces, in order; the tensors' are their own and not copied. */
  public static List<ByteBuffer> toBuffers(
      Map<String, StoredTensor> tensors, Map<String, String> metadata) {
    List<Map.Entry<String, StoredTensor>> inOrder =
        tensors.entrySet().stream()
            .sorted(
                Comparator.comparingInt(
                        (Map.Entry<String, StoredTensor> e) ->
                            LAYOUT_ORDER.indexOf(e.getValue().dtype()))
                    .thenComparing(Map.Entry::getKey))
            .toList();
    byte[] header = header(inOrder, metadata);
    if (header.length > SafetensorsHeader.MAX_LENGTH) {
      throw new IllegalArgumentException("A header of " + header.length + " bytes is too long");
    }
    List<ByteBuffer> pieces = new ArrayList<>();
    pieces.add(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).flip());
    pieces.add(ByteBuffer.wrap(header));
    inOrder.forEach(tensor -> pieces.add(tensor.getValue().bytes()));
    return pieces;
  }

  private static void write(
      WritableByteChannel out, Map<String, StoredTensor> tensors, Map<String, String> metadata)
      throws IOException {
    for (ByteBuffer piece : toBuffers(tensors, metadata)) {
      while (piece.hasRemaining()) {
        out.write(piece);
      }
    }
  }

  private static byte[] header(
      List<Map.Entry<String, StoredTensor>> tensors, Map<String, String> metadata) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart(SafetensorsHeader.METADATA);
        for (Map.Entry<String, String> entry : new TreeMap<>(metadata).entrySet()) {
          json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
      }
      long offset = 0;
      for (Map.Entry<String, StoredTensor> named : tensors) {
        if (named.getKey().equals(SafetensorsHeader.METADATA)) {
          throw new IllegalArgumentException("A tensor cannot be named " + named.getKey());
        }
        StoredTensor tensor = named.getValue();
        long[] shape = tensor.shape();
        long end = offset + tensor.elementCount() * tensor.dtype().bytes();
        json.writeObjectFieldStart(named.getKey());
        json.writeStringField("dtype", tensor.dtype().name());
        json.writeFieldName("shape");
        json.writeArray(shape, 0, shape.length);
        json.writeFieldName("data_offsets");
        json.writeArray(new long[] {offset, end}, 0, 2);
        json.writeEndObject();
        offset = end;
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new IllegalStateException("writing to memory cannot fail", e);
    }
    while (out.size() % 8 != 0) {
      out.write(' ');
    }
    return out.toByteArray();
  }
}
