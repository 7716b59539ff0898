package io.github.tuneqdm.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.quant.QuantizedWeight;
import io.github.tuneqdm.storage.DType;
import io.github.tuneqdm.storage.Finiteness;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.FrozenWeight;
import io.github.tuneqdm.tensor.Precision;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Loads a model's tensors by name, checks each against the shape that its config.json implies, and
 * groups them into {@link BlockWeights}. Owns what it loads: closing it frees the model.
 */
public final class ModelBuilder implements AutoCloseable {
  private enum Mode {
    PLAIN,
    TUNABLE,
    OUTLINE,
    SKETCH
  }

  /** Attention layers' names in files written before diffusers 0.18. */
  private static final Map<String, String> DEPRECATED_NAMES =
      Map.of("to_q", "query", "to_k", "key", "to_v", "value", "to_out.0", "proj_attn");

  private final Compute compute;
  private final NDManager owner;
  private final TensorSource source;
  private final String what;
  private final Mode mode;
  private final ScaleLayout.Builder scales = new ScaleLayout.Builder();
  private final Map<String, NDArray> parameters = new LinkedHashMap<>();
  private final Map<String, long[]> shapes = new LinkedHashMap<>();
  private long parameterCount;
  private boolean channelsLast;
  private QuantizedSource integers;
  private final List<BlockWeights> blocks = new ArrayList<>();
  private DecodedTensors decoded = new DecodedTensors(Map.of(), this::decode);

  private ModelBuilder(Compute compute, TensorSource source, String what, Mode mode) {
    this.compute = compute;
    this.owner = compute.scope();
    this.source = source;
    this.what = what;
    this.mode = mode;
  }

  /**
   * A model that runs as stored.
   *
   * @param what names the model in error messages, such as {@code vae in /models/sd14}
   */
  public static ModelBuilder plain(Compute compute, TensorSource source, String what) {
    return new ModelBuilder(compute, source, what, Mode.PLAIN);
  }

  /** A model whose Linear and Conv2d layers take per-sample scales. */
  public static ModelBuilder tunable(Compute compute, TensorSource source, String what) {
    return new ModelBuilder(compute, source, what, Mode.TUNABLE);
  }

  /** As {@link #tunable}, with the integers of quantised weights in place of floats. */
  public static ModelBuilder packed(Compute compute, QuantizedSource source, String what) {
    ModelBuilder builder = new ModelBuilder(compute, source, what, Mode.TUNABLE);
    builder.integers = source;
    return builder;
  }

  /** A tunable model of names and shapes alone: it checks and counts, loads nothing, cannot run. */
  public static ModelBuilder outline(Compute compute, TensorSource source, String what) {
    return new ModelBuilder(compute, source, what, Mode.OUTLINE);
  }

  /** A tunable model of nothing at all: it cannot run, but {@link #shapes} tells what it needs. */
  public static ModelBuilder sketch(Compute compute) {
    return new ModelBuilder(compute, null, "sketch", Mode.SKETCH);
  }

  /**
   * Builds a model, whose tensors are decoded on other threads ahead of the constructor that asks
   * for them. What goes wrong is thrown as without them, and closes this builder.
   */
  public <M> M build(Function<ModelBuilder, M> constructor) {
    try (ModelBuilder sketch = new ModelBuilder(compute, source, what, Mode.SKETCH)) {
      constructor.apply(sketch);
      Map<String, long[]> floats = new LinkedHashMap<>(sketch.shapes);
      floats.keySet().removeIf(this::isPacked);
      decoded = new DecodedTensors(floats, this::decode);
      return constructor.apply(this);
    } catch (RuntimeException | Error e) {
      close(); // a model that was not built must not keep its tensors
      throw e;
    } finally {
      decoded.close();
    }
  }

  public Compute compute() {
    return compute;
  }

  /** From now on, lays convolutions' weights out as channels-last activations want them. */
  public void layOutChannelsLast() {
    channelsLast = true;
  }

  /** Loads the tensor {@code name}, which must have exactly {@code shape}. */
  public NDArray tensor(String name, long... shape) {
    return parameters.computeIfAbsent(name, n -> load(n, shape));
  }

  /** Whether the model's files hold this tensor; a sketch without files has none. */
  public boolean has(String name) {
    return source != null && source.names().contains(stored(name));
  }

  /** Starts a block whose layers' names begin with {@code prefix}. */
  public Block block(String prefix) {
    return new Block(prefix);
  }

  /** The scales of everything built so far. */
  public ScaleLayout scaleLayout() {
    return scales.build();
  }

  /** The shapes of all tensors that the model asked for, in that order. */
  public Map<String, long[]> shapes() {
    return Collections.unmodifiableMap(shapes);
  }

  /** Every tensor loaded so far, by its name in current diffusers or transformers. */
  public Map<String, NDArray> parameters() {
    return Map.copyOf(parameters);
  }

  /** Numbers in all tensors so far. */
  public long parameterCount() {
    return parameterCount;
  }

  private NDArray load(String name, long[] shape) {
    shapes.put(name, shape);
    if (mode == Mode.SKETCH) {
      return placeholder();
    }
    if (mode == Mode.OUTLINE) {
      String stored = require(name);
      requireShape(stored, source.shape(stored), shape);
      parameterCount += count(shape);
      return placeholder();
    }
    ByteBuffer values = decoded.take(name, shape);
    parameterCount += count(shape);
    NDArray tensor = onDevice(values, shape);
    return channelsLast && shape.length == 4 ? laidOut(tensor) : tensor;
  }

  private static long count(long[] shape) {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  /** Stands for a tensor that is not loaded. */
  private NDArray placeholder() {
    NDArray nothing = compute.empty().duplicate();
    nothing.attach(owner);
    return nothing;
  }

  /** The tensor's values as float32 in native order, once it is sure that they can be used. */
  private ByteBuffer decode(String name, long[] shape) {
    String stored = require(name);
    StoredTensor tensor = source.tensor(stored);
    requireShape(stored, tensor.shape(), shape);
    if (Finiteness.firstNonFinite(tensor).isPresent()) {
      throw TuneQdmException.inputData(
          "Cannot load the " + what + ": tensor " + stored + " holds a value that is not finite");
    }
    int bytes = Math.toIntExact(Math.multiplyExact(count(shape), Float.BYTES));
    ByteBuffer values = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    values
        .asFloatBuffer()
        .put(
            tensor.dtype() == DType.F32
                ? tensor.bytes().asFloatBuffer()
                : FloatBuffer.wrap(floats(tensor)));
    return values;
  }

  private NDArray onDevice(ByteBuffer values, long[] shape) {
    NDArray full = owner.create(values, new Shape(shape), DataType.FLOAT32);
    if (compute.precision() == Precision.FLOAT32) {
      return full;
    }
    NDArray narrow = compute.kernels().castLike(full, compute.empty());
    full.close();
    return narrow;
  }

  private NDArray laidOut(NDArray weights) {
    NDArray laidOut = compute.tokenOps().in(owner).channelsLast(weights);
    weights.close();
    return laidOut;
  }

  private boolean isPacked(String name) {
    return integers != null && integers.isQuantized(name);
  }

  /** A layer's weight, as integers where the model is packed. */
  private FrozenWeight weight(String name, long... shape) {
    if (mode == Mode.SKETCH || !isPacked(name)) {
      return new FrozenWeight.Resident(tensor(name, shape));
    }
    QuantizedWeight weight = integers.quantized(name);
    requireShape(name, weight.shape(), shape);
    shapes.put(name, shape);
    parameterCount += count(shape);
    return PackedWeights.upload(owner, weight, shape);
  }

  /** The name of a tensor in the files, which must have it. */
  private String require(String name) {
    String stored = stored(name);
    if (!source.names().contains(stored)) {
      throw TuneQdmException.inputData(
          "Cannot load the " + what + ": tensor " + name + " is missing");
    }
    return stored;
  }

  private void requireShape(String stored, long[] found, long[] expected) {
    if (!matches(found, expected)) {
      throw TuneQdmException.inputData(
          "Cannot load the "
              + what
              + ": tensor "
              + stored
              + " has shape "
              + Arrays.toString(found)
              + " where config.json implies "
              + Arrays.toString(expected));
    }
  }

  /** Float64 files are rounded; every narrower type is exact in float32. */
  private static float[] floats(StoredTensor tensor) {
    if (tensor.dtype() != DType.F64) {
      return tensor.toFloats();
    }
    double[] wide = tensor.toDoubles();
    float[] values = new float[wide.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) wide[i];
    }
    return values;
  }

  private String stored(String name) {
    if (source.names().contains(name)) {
      return name;
    }
    for (Map.Entry<String, String> rename : DEPRECATED_NAMES.entrySet()) {
      String old = name.replace("." + rename.getKey() + ".", "." + rename.getValue() + ".");
      if (!old.equals(name) && source.names().contains(old)) {
        return old;
      }
    }
    return name;
  }

  /** Equal but for dimensions of one: old files keep attention weights as 1x1 convolutions. */
  private static boolean matches(long[] stored, long[] expected) {
    return Arrays.equals(withoutOnes(stored), withoutOnes(expected));
  }

  private static long[] withoutOnes(long[] shape) {
    return Arrays.stream(shape).filter(n -> n != 1).toArray();
  }

  @Override
  public void close() {
    blocks.forEach(BlockWeights::close);
    owner.close();
  }

  /** Collects the operands of one kernel: layers first, then norms. */
  public final class Block {
    private final String prefix;
    private final List<FrozenWeight> weights = new ArrayList<>();
    private final List<NDArray> biases = new ArrayList<>();
    private final List<NDArray> norms = new ArrayList<>();
    private final List<String> names = new ArrayList<>();
    private final List<Integer> outs = new ArrayList<>();
    private final List<Integer> ins = new ArrayList<>();

    private Block(String prefix) {
      this.prefix = prefix;
    }

    public Block conv(String name, int out, int in, int kernel) {
      return layer(name, out, in, true, out, in, kernel, kernel);
    }

    public Block convWithoutBias(String name, int out, int in, int kernel) {
      return layer(name, out, in, false, out, in, kernel, kernel);
    }

    public Block linear(String name, int out, int in) {
      return layer(name, out, in, true, out, in);
    }

    public Block linearWithoutBias(String name, int out, int in) {
      return layer(name, out, in, false, out, in);
    }

    public Block norm(String name, int channels) {
      norms.add(tensor(prefix + name + ".weight", channels));
      norms.add(tensor(prefix + name + ".bias", channels));
      return this;
    }

    private Block layer(String name, int out, int in, boolean bias, long... shape) {
      weights.add(weight(prefix + name + ".weight", shape));
      biases.add(bias ? tensor(prefix + name + ".bias", out) : compute.empty());
      names.add(prefix + name);
      outs.add(out);
      ins.add(in);
      return this;
    }

    public BlockWeights build() {
      int firstColumn = scales.width();
      int scaleIndex =
          mode != Mode.PLAIN && !names.isEmpty() ? scales.addBlock(names, outs, ins) : -1;
      long[] sizes = new long[2 * names.size()];
      for (int i = 0; i < names.size(); i++) {
        sizes[i] = outs.get(i);
        sizes[names.size() + i] = ins.get(i);
      }
      List<NDArray> others = new ArrayList<>(biases);
      others.addAll(norms);
      BlockWeights block = new BlockWeights(weights, others, sizes, scaleIndex, firstColumn);
      blocks.add(block);
      return block;
    }
  }
}
