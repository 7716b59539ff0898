package io.github.tuneqdm.models;

import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.nn.QuantizedSource;
import io.github.tuneqdm.nn.ScaleLayout;
import io.github.tuneqdm.quant.QuantizedWeight;
import io.github.tuneqdm.storage.DType;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.Compute;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * A UNet over a quantised base. Its frozen weights are {@code W0 = scale * (q - z)}; what tunes it
 * are rows of P scales, which begin as {@link #initialRow}.
 */
public final class TunableUNet implements AutoCloseable {
  private static final String WEIGHT = ".weight";

  private final UNet unet;
  private final ScaleLayout layout;
  private final float[] initialRow;
  private final MemoryMode mode;

  private TunableUNet(UNet unet, float[] initialRow, MemoryMode mode) {
    this.unet = unet;
    this.mode = mode;
    this.layout = unet.scaleLayout();
    this.initialRow = initialRow;
  }

  /** As {@link #open(Compute, ModelConfig, Set, Function, TensorSource, MemoryMode)}, resident. */
  public static TunableUNet open(
      Compute compute,
      ModelConfig config,
      Set<String> layerNames,
      Function<String, QuantizedWeight> layers,
      TensorSource floats) {
    return open(compute, config, layerNames, layers, floats, MemoryMode.RESIDENT);
  }

  /**
   * @param layerNames every quantised layer
   * @param layers a layer's integers, scales and zero-points by its name
   * @param floats all other tensors of the UNet
   */
  public static TunableUNet open(
      Compute compute,
      ModelConfig config,
      Set<String> layerNames,
      Function<String, QuantizedWeight> layers,
      TensorSource floats,
      MemoryMode mode) {
    UNet unet =
        Models.tunableUnet(compute, config, new FrozenWeights(layerNames, layers, floats), mode);
    ScaleLayout layout = unet.scaleLayout();
    float[] initial = new float[layout.width()];
    Arrays.fill(initial, 1);
    for (ScaleLayout.Layer layer : layout.layers()) {
      float[] scale = layers.apply(layer.name()).scale();
      System.arraycopy(scale, 0, initial, layer.outColumn(), layer.cOut());
    }
    return new TunableUNet(unet, initial, mode);
  }

  /** The weights that a quantised base stands for, {@code W0 = scale * (q - z)}, and its floats. */
  public static TensorSource dequantised(
      Set<String> layerNames, Function<String, QuantizedWeight> layers, TensorSource floats) {
    return new FrozenWeights(layerNames, layers, floats);
  }

  public UNet unet() {
    return unet;
  }

  public ScaleLayout layout() {
    return layout;
  }

  /** (P,): the quantiser's scale at delta_out columns, 1 at delta_in columns. A copy. */
  public float[] initialRow() {
    return initialRow.clone();
  }

  public MemoryMode memoryMode() {
    return mode;
  }

  @Override
  public void close() {
    unet.close();
  }

  /** Dequantised layers and plain floats under the UNet's own names. */
  private record FrozenWeights(
      Set<String> layerNames, Function<String, QuantizedWeight> layers, TensorSource floats)
      implements QuantizedSource {

    @Override
    public boolean isQuantized(String name) {
      return isLayer(name);
    }

    @Override
    public QuantizedWeight quantized(String name) {
      return layer(name);
    }

    @Override
    public Set<String> names() {
      Set<String> names = new LinkedHashSet<>(floats.names());
      layerNames.forEach(n -> names.add(n + WEIGHT));
      return names;
    }

    @Override
    public StoredTensor tensor(String name) {
      if (!isLayer(name)) {
        return floats.tensor(name);
      }
      QuantizedWeight layer = layer(name);
      return StoredTensor.of(layer.dequantize(), layer.shape());
    }

    @Override
    public DType dtype(String name) {
      return isLayer(name) ? DType.F32 : floats.dtype(name);
    }

    @Override
    public long[] shape(String name) {
      return isLayer(name) ? layer(name).shape() : floats.shape(name);
    }

    private boolean isLayer(String name) {
      return name.endsWith(WEIGHT)
          && layerNames.contains(name.substring(0, name.length() - WEIGHT.length()));
    }

    private QuantizedWeight layer(String name) {
      return layers.apply(name.substring(0, name.length() - WEIGHT.length()));
    }

    @Override
    public Map<String, String> metadata() {
      return Map.of();
    }

    @Override
    public void close() {
      floats.close();
    }
  }
}
