package io.github.tuneqdm.bench;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.quant.QuantizedWeight;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.storage.DType;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * Weights of a model that nobody trained: the same numbers for the same names on every machine,
 * cheap to make, and of such a size that activations stay near one. Speed and memory of a network
 * do not depend on what it has learnt.
 */
final class RandomTensors implements TensorSource {
  private static final String WEIGHT = ".weight";
  private static final float BIAS_RANGE = 0.05f;
  private static final float NORM_RANGE = 0.1f;

  private final Map<String, long[]> shapes;

  /**
   * @param shapes of every tensor by name; matrices and convolution kernels are (O, I, ...), a
   *     vector called weight is a norm's and lies around one
   */
  RandomTensors(Map<String, long[]> shapes) {
    this.shapes = new LinkedHashMap<>(shapes);
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(shapes.keySet());
  }

  /** Names of Linear and Conv2d layers, without {@code .weight}. */
  Set<String> layerNames() {
    Set<String> layers = new LinkedHashSet<>();
    shapes.forEach(
        (name, shape) -> {
          if (shape.length > 1 && name.endsWith(WEIGHT)) {
            layers.add(name.substring(0, name.length() - WEIGHT.length()));
          }
        });
    return layers;
  }

  @Override
  public StoredTensor tensor(String name) {
    long[] shape = shape(name);
    float[] values = new float[count(shape)];
    float centre = shape.length == 1 && name.endsWith(WEIGHT) ? 1 : 0;
    float range =
        shape.length > 1
            ? (float) Math.sqrt(3.0 * shape[0] / values.length) // variance 1 / fan-in
            : centre == 1 ? NORM_RANGE : BIAS_RANGE;
    float unit = range / (1 << 23);
    Bits bits = new Bits(name);
    for (int i = 0; i < values.length; i++) {
      values[i] = centre + ((int) bits.next() >> 8) * unit;
    }
    return StoredTensor.of(values, shape);
  }

  /**
   * The layer as if it had been quantised: codes are drawn, not rounded, so that a billion of them
   * take seconds. Zero-points are 0.
   */
  QuantizedWeight layer(String name, QuantizerSettings settings) {
    long[] shape = shape(name + WEIGHT);
    byte[] codes = new byte[count(shape)];
    int shift = Byte.SIZE - settings.bits();
    int least = settings.minCode();
    Bits bits = new Bits(name);
    for (int i = 0; i < codes.length; ) {
      long word = bits.next();
      for (int b = 0; b < Long.BYTES && i < codes.length; b++, word >>>= Byte.SIZE) {
        int code = (byte) word >> shift;
        codes[i++] = (byte) (code == least ? 0 : code); // without the odd one the mean is 0
      }
    }
    int channels = (int) shape[0];
    float[] scale = new float[channels];
    float level = (float) Math.sqrt(3.0 * channels / codes.length) / -least;
    for (int o = 0; o < channels; o++) {
      scale[o] = level * (1 + ((int) bits.next() >> 8) * (NORM_RANGE / (1 << 23)));
    }
    return new QuantizedWeight(settings, shape, codes, scale, new float[channels]);
  }

  private static int count(long[] shape) {
    long product = 1;
    for (long extent : shape) {
      product = Math.multiplyExact(product, extent);
    }
    return Math.toIntExact(product);
  }

  @Override
  public DType dtype(String name) {
    shape(name);
    return DType.F32;
  }

  @Override
  public long[] shape(String name) {
    long[] shape = shapes.get(name);
    if (shape == null) {
      throw TuneQdmException.inputData("Cannot make up tensor " + name + ": the model has none");
    }
    return shape.clone();
  }

  @Override
  public Map<String, String> metadata() {
    return Map.of();
  }

  @Override
  public void close() {}

  /** Sebastiano Vigna's SplitMix64, begun at a name's hash. */
  private static final class Bits {
    private long state;

    Bits(String name) {
      for (int i = 0; i < name.length(); i++) {
        state = state * 0x100000001B3L + name.charAt(i);
      }
    }

    long next() {
      state += 0x9E3779B97F4A7C15L;
      long z = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
      z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
      return z ^ (z >>> 31);
    }
  }
}
