package io.github.tuneqdm.verify;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.nn.ScaleLayout;
import io.github.tuneqdm.quant.QuantizedWeight;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.StreamSupport;

/**
 * Where each layer stands in the goldens' flat tensors: the files {@code *.index.json}.
 *
 * @param weights elements of all layers' weights
 * @param outs output channels of all layers
 * @param ins input channels of all layers
 */
record GoldenIndex(int weights, int outs, int ins, Map<String, Entry> layers) {

  /** Offsets of one layer in each of the three, with what the file says about the layer. */
  record Entry(int weight, int out, int in, String kind, long[] shape) {}

  static GoldenIndex read(GoldenFolder folder, String file) {
    JsonNode json = folder.read(file, path -> ModelConfig.read(path).json());
    Map<String, Entry> layers = new LinkedHashMap<>();
    for (JsonNode layer : json.path("layers")) {
      layers.put(
          layer.path("name").asText(),
          new Entry(
              layer.path("w_off").asInt(),
              layer.path("out_off").asInt(),
              layer.path("in_off").asInt(),
              layer.path("kind").asText(),
              StreamSupport.stream(layer.path("shape").spliterator(), false)
                  .mapToLong(JsonNode::asLong)
                  .toArray()));
    }
    return new GoldenIndex(
        json.path("w_total").asInt(),
        json.path("out_total").asInt(),
        json.path("in_total").asInt(),
        layers);
  }

  /** Requires the index to list just the layers that were quantised, with their shapes. */
  void requireSame(GoldenFile g, Map<String, QuantizedWeight> quantised) {
    g.require(
        new TreeSet<>(layers.keySet()).equals(new TreeSet<>(quantised.keySet())),
        "the quantised layers are not those of the index");
    layers.forEach(
        (name, entry) -> {
          QuantizedWeight layer = quantised.get(name);
          g.require(
              layer != null
                  && Arrays.equals(layer.shape(), entry.shape())
                  && layer.kind().fileName().equals(entry.kind()),
              name + ": kind or shape are not those of the index");
        });
  }

  /** A row's delta_out columns in the goldens' order. */
  double[] outs(ScaleLayout layout, float[] values, int row) {
    double[] flat = new double[outs];
    int at = row * layout.width();
    for (ScaleLayout.Layer layer : layout.layers()) {
      int to = entry(layer).out();
      for (int i = 0; i < layer.cOut(); i++) {
        flat[to + i] = values[at + layer.outColumn() + i];
      }
    }
    return flat;
  }

  /** A row's delta_in columns in the goldens' order. */
  double[] ins(ScaleLayout layout, float[] values, int row) {
    double[] flat = new double[ins];
    int at = row * layout.width();
    for (ScaleLayout.Layer layer : layout.layers()) {
      int to = entry(layer).in();
      for (int i = 0; i < layer.cIn(); i++) {
        flat[to + i] = values[at + layer.inColumn() + i];
      }
    }
    return flat;
  }

  private Entry entry(ScaleLayout.Layer layer) {
    Entry entry = layers.get(layer.name());
    if (entry == null) {
      throw TuneQdmException.inputData("the index has no layer " + layer.name());
    }
    return entry;
  }
}
