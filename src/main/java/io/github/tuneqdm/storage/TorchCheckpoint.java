package io.github.tuneqdm.storage;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads files of {@code torch.save} (the zip form, torch 1.6 and newer) as plain data. The pickle
 * in them is run by a machine that knows dicts, lists, numbers, texts and tensors and executes
 * nothing (see {@link PickleMachine}); a file that refers to anything else is refused by name.
 */
public final class TorchCheckpoint {
  private static final long MAX_PICKLE_BYTES = 64L << 20;
  private static final int MAX_DEPTH = 64;
  private static final int MAX_NODES = 4_000_000;

  /** Copies of strided tensors may take the file's own size and this, bytes. */
  private static final long SPARE_COPY_BYTES = 64L << 20;

  private static final Map<String, DType> STORAGE_TYPES =
      Map.ofEntries(
          Map.entry("DoubleStorage", DType.F64),
          Map.entry("FloatStorage", DType.F32),
          Map.entry("HalfStorage", DType.F16),
          Map.entry("BFloat16Storage", DType.BF16),
          Map.entry("LongStorage", DType.I64),
          Map.entry("IntStorage", DType.I32),
          Map.entry("ShortStorage", DType.I16),
          Map.entry("CharStorage", DType.I8),
          Map.entry("ByteStorage", DType.U8),
          Map.entry("BoolStorage", DType.BOOL));

  private TorchCheckpoint() {}

  /**
   * Reads a checkpoint. Tensors are views of the memory-mapped file where they are contiguous.
   *
   * @return a tree of {@code Map<String, Object>}, {@code List<Object>} (for tuples too), {@code
   *     Boolean}, {@code Long}, {@code Double}, {@code String}, null and {@link StoredTensor}
   * @throws TuneQdmException (input data) where the file is absent, malformed, or refers to
   *     anything but data
   */
  public static Object read(Path path) {
    if (Files.exists(path) && !Files.isRegularFile(path)) { // opening a pipe waits for ever
      throw TuneQdmException.inputData(
          "Cannot read %s: it is not an ordinary file".formatted(path));
    }
    try (ZipRecords records = ZipRecords.open(path)) {
      String prefix = prefix(records);
      requireLittleEndian(records, prefix);
      Loader loader = new Loader(path, records, prefix, Files.size(path));
      Object tree = PickleMachine.run(records.map(prefix + "data.pkl", MAX_PICKLE_BYTES), loader);
      return new Freezer().freeze(tree, 0);
    } catch (MalformedCheckpoint e) {
      throw TuneQdmException.inputData("Cannot read %s: %s".formatted(path, e.getMessage()), e);
    } catch (NoSuchFileException e) {
      throw TuneQdmException.inputData("Cannot read %s: there is no such file".formatted(path), e);
    } catch (IOException e) {
      throw TuneQdmException.inputData(
          "Cannot read %s: %s".formatted(path, StorageProblem.reason(e)), e);
    }
  }

  /** All records lie in one folder, whose name is that of the file when it was saved. */
  private static String prefix(ZipRecords records) throws MalformedCheckpoint {
    List<String> pickles =
        records.names().stream().filter(name -> name.matches("[^/]+/data\\.pkl")).toList();
    if (pickles.size() != 1) {
      throw new MalformedCheckpoint(
          "it has %d records named data.pkl, not one: no checkpoint of torch.save"
              .formatted(pickles.size()));
    }
    return pickles.get(0).substring(0, pickles.get(0).indexOf('/') + 1);
  }

  private static void requireLittleEndian(ZipRecords records, String prefix)
      throws IOException, MalformedCheckpoint {
    String name = prefix + "byteorder";
    if (records.contains(name)) {
      String order = StandardCharsets.US_ASCII.decode(records.map(name, 16)).toString();
      if (!order.equals("little")) {
        throw new MalformedCheckpoint(
            "its byte order is '%s': save it again on a little-endian machine".formatted(order));
      }
    }
  }

  /** What the few allowed globals stand for. */
  private enum Function {
    ORDERED_DICT,
    REBUILD_TENSOR,
    REBUILD_PARAMETER
  }

  /** A storage: elements of one type, shared by the tensors that lie in it. */
  private record Storage(DType dtype, ByteBuffer bytes, long elements, String key) {}

  private static final class Loader implements PickleMachine.Resolver {
    private final Path path;
    private final ZipRecords records;
    private final String prefix;
    private final Map<String, ByteBuffer> mapped = new HashMap<>();
    private long copyBudget;

    Loader(Path path, ZipRecords records, String prefix, long fileSize) {
      this.path = path;
      this.records = records;
      this.prefix = prefix;
      this.copyBudget = fileSize + SPARE_COPY_BYTES;
    }

    @Override
    public Object global(String module, String name) throws MalformedCheckpoint {
      Object known =
          switch (module) {
            case "collections" -> name.equals("OrderedDict") ? Function.ORDERED_DICT : null;
            case "torch._utils" ->
                switch (name) {
                  case "_rebuild_tensor_v2" -> Function.REBUILD_TENSOR;
                  case "_rebuild_parameter" -> Function.REBUILD_PARAMETER;
                  default -> null;
                };
            case "torch" -> STORAGE_TYPES.get(name);
            default -> null;
          };
      if (known == null) {
        throw new MalformedCheckpoint(
            "it refers to '%s.%s', which is not data; nothing was executed"
                .formatted(shortened(module), shortened(name)));
      }
      return known;
    }

    private static String shortened(String text) {
      return text.length() <= 80 ? text : text.substring(0, 80) + "...";
    }

    @Override
    public Object call(Object global, List<?> arguments) throws MalformedCheckpoint {
      if (global == Function.ORDERED_DICT && arguments.isEmpty()) {
        return new LinkedHashMap<String, Object>();
      }
      if (global == Function.REBUILD_TENSOR && arguments.size() >= 6) {
        return tensor(arguments);
      }
      if (global == Function.REBUILD_PARAMETER
          && arguments.size() == 3
          && arguments.get(0) instanceof StoredTensor tensor) {
        return tensor;
      }
      throw new MalformedCheckpoint("its pickle calls what cannot be called");
    }

    @Override
    public Object persistent(Object id) throws MalformedCheckpoint {
      if (!(id instanceof List<?> parts)
          || parts.size() != 5
          || !"storage".equals(parts.get(0))
          || !(parts.get(1) instanceof DType dtype)
          || !(parts.get(2) instanceof String key)
          || !(parts.get(4) instanceof Long elements)) {
        throw new MalformedCheckpoint("its pickle has a persistent id that names no storage");
      }
      ByteBuffer bytes = mapped.get(key);
      if (bytes == null) {
        try {
          bytes = records.map(prefix + "data/" + key, Integer.MAX_VALUE);
        } catch (IOException e) {
          throw new MalformedCheckpoint(
              "storage '%s' cannot be read (%s)".formatted(key, e.getMessage()));
        }
        mapped.put(key, bytes);
      }
      if (elements < 0 || elements > bytes.limit() / dtype.bytes()) {
        throw new MalformedCheckpoint(
            "storage '%s' claims %d elements of %s in %d bytes"
                .formatted(key, elements, dtype, bytes.limit()));
      }
      return new Storage(dtype, bytes, elements, key);
    }

    /** Arguments: storage, offset, size, stride, then what only training needs. */
    private StoredTensor tensor(List<?> arguments) throws MalformedCheckpoint {
      if (!(arguments.get(0) instanceof Storage storage)
          || !(arguments.get(1) instanceof Long offset)) {
        throw new MalformedCheckpoint("its pickle has a tensor without a storage");
      }
      long[] shape = longs(arguments.get(2));
      long[] strides = longs(arguments.get(3));
      long count = checkedCount(storage, offset, shape, strides);
      String origin = "a tensor in storage '%s' of %s".formatted(storage.key, path);
      int width = storage.dtype.bytes();
      if (count == 0) {
        return BufferTensor.read(origin, storage.dtype, shape, ByteBuffer.allocate(0));
      }
      ByteBuffer bytes =
          isContiguous(shape, strides)
              ? storage.bytes.slice((int) (offset * width), (int) (count * width))
              : copy(storage, offset, shape, strides, count);
      return BufferTensor.read(origin, storage.dtype, shape, bytes);
    }

    private static long[] longs(Object value) throws MalformedCheckpoint {
      if (!(value instanceof List<?> list) || list.size() > MAX_DEPTH) {
        throw new MalformedCheckpoint("its pickle has a tensor of no shape");
      }
      long[] longs = new long[list.size()];
      for (int i = 0; i < longs.length; i++) {
        if (!(list.get(i) instanceof Long extent) || extent < 0) {
          throw new MalformedCheckpoint("its pickle has a tensor of a negative or odd shape");
        }
        longs[i] = extent;
      }
      return longs;
    }

    private static long checkedCount(Storage storage, long offset, long[] shape, long[] strides)
        throws MalformedCheckpoint {
      try {
        long count = Shapes.elementCount(shape);
        long last = offset;
        for (int i = 0; i < shape.length && count > 0; i++) {
          last =
              Math.addExact(
                  last, Math.multiplyExact(shape[i] - 1, strides.length > i ? strides[i] : -1));
        }
        if (strides.length == shape.length
            && offset >= 0
            && (count == 0 || last < storage.elements)) {
          return count;
        }
      } catch (ArithmeticException e) {
        // An overflow reaches beyond every storage.
      }
      throw new MalformedCheckpoint(
          "a tensor reaches beyond its storage '%s' of %d elements"
              .formatted(storage.key, storage.elements));
    }

    private static boolean isContiguous(long[] shape, long[] strides) {
      long expected = 1;
      for (int i = shape.length - 1; i >= 0; i--) {
        if (shape[i] != 1 && strides[i] != expected) {
          return false;
        }
        expected *= shape[i];
      }
      return true;
    }

    private ByteBuffer copy(Storage storage, long offset, long[] shape, long[] strides, long count)
        throws MalformedCheckpoint {
      int width = storage.dtype.bytes();
      // A stride of 0 can make a huge tensor of one number.
      if (count > copyBudget / width) {
        throw new MalformedCheckpoint(
            "its strided tensors take more memory than the file could account for");
      }
      copyBudget -= count * width;
      ByteBuffer out =
          ByteBuffer.allocate(Math.toIntExact(count * width)).order(ByteOrder.LITTLE_ENDIAN);
      long[] index = new long[shape.length];
      byte[] element = new byte[width];
      long at = offset;
      for (long i = 0; i < count; i++) {
        storage.bytes.get((int) (at * width), element);
        out.put(element);
        for (int d = shape.length - 1; d >= 0; d--) {
          at += strides[d];
          if (++index[d] < shape[d]) {
            break;
          }
          at -= shape[d] * strides[d];
          index[d] = 0;
        }
      }
      return out.flip();
    }
  }

  /**
   * Makes the tree unmodifiable. A pickle can share and even nest its parts in themselves; the
   * limits here keep walking the tree harmless.
   */
  private static final class Freezer {
    private int nodes;

    Object freeze(Object value, int depth) throws MalformedCheckpoint {
      if (depth > MAX_DEPTH) {
        throw new MalformedCheckpoint("its data are nested more than %d deep".formatted(MAX_DEPTH));
      }
      if (++nodes > MAX_NODES) {
        throw new MalformedCheckpoint("its data have more than %d parts".formatted(MAX_NODES));
      }
      if (value instanceof Map<?, ?> map) {
        Map<String, Object> frozen = new LinkedHashMap<>();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          frozen.put((String) entry.getKey(), freeze(entry.getValue(), depth + 1));
        }
        return Collections.unmodifiableMap(frozen);
      }
      if (value instanceof List<?> list) {
        Object[] frozen = new Object[list.size()];
        for (int i = 0; i < frozen.length; i++) {
          frozen[i] = freeze(list.get(i), depth + 1);
        }
        return Collections.unmodifiableList(Arrays.asList(frozen));
      }
      if (value == null
          || value instanceof String
          || value instanceof Long
          || value instanceof Double
          || value instanceof Boolean
          || value instanceof StoredTensor) {
        return value;
      }
      throw new MalformedCheckpoint(
          "its data hold a %s".formatted(value.getClass().getSimpleName()));
    }
  }
}
