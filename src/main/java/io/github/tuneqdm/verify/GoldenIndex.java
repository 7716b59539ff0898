package io.github.tuneqdm.verify;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.nn.ScaleLayout;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Where each layer stands in the goldens' flat tensors: the files {@code *.index.json}. */
record GoldenIndex(int weights, int outs, int ins, Map<String, Entry> layers) {

  record Entry(int weight, int out, int in) {}

  static GoldenIndex read(Path file) {
    JsonNode json = ModelConfig.read(file).json();
    Map<String, Entry> layers = new LinkedHashMap<>();
    for (JsonNode layer : json.path("layers")) {
      layers.put(
          layer.path("name").asText(),
          new Entry(
              layer.path("w_off").asInt(),
              layer.path("out_off").asInt(),
              layer.path("in_off").asInt()));
    }
    return new GoldenIndex(
        json.path("w_total").asInt(),
        json.path("out_total").asInt(),
        json.path("in_total").asInt(),
        layers);
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
      throw new IllegalStateException("the index has no layer " + layer.name());
    }
    return entry;
  }
}
