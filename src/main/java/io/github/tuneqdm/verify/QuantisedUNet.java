package io.github.tuneqdm.verify;

import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.quant.QuantizedWeight;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.quant.WeightQuantizer;
import io.github.tuneqdm.storage.ModelWeights;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.Compute;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** A UNet of the goldens whose layers went through the product's quantiser. */
record QuantisedUNet(Path folder, ModelConfig config, Map<String, QuantizedWeight> layers) {
  private static final String WEIGHT = ".weight";

  /** Quantises every weight of two and more dimensions. */
  static QuantisedUNet of(GoldenFolder goldens, String model, QuantizerSettings settings) {
    return goldens.readModel(
        model,
        folder -> {
          Map<String, QuantizedWeight> layers = new HashMap<>();
          try (TensorSource weights = ModelWeights.open(folder)) {
            for (String name : weights.names()) {
              StoredTensor tensor = weights.tensor(name);
              if (name.endsWith(WEIGHT) && tensor.shape().length >= 2) {
                String layer = name.substring(0, name.length() - WEIGHT.length());
                layers.put(
                    layer,
                    WeightQuantizer.quantize(layer, tensor.toFloats(), tensor.shape(), settings));
              }
            }
          }
          return new QuantisedUNet(folder, ModelConfig.read(folder.resolve("config.json")), layers);
        });
  }

  /** The settings that a file of goldens was made with. */
  static QuantizerSettings settings(GoldenFile g) {
    return new QuantizerSettings(g.setting("n_bits").asInt(), g.setting("symmetric").asBoolean());
  }

  TunableUNet open(Compute compute) {
    try (TensorSource floats = floats()) {
      return TunableUNet.open(compute, config, layers.keySet(), layers::get, floats);
    }
  }

  /** The tensors of the float UNet. */
  TensorSource floats() {
    return ModelWeights.open(folder);
  }
}
