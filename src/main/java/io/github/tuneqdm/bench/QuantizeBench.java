package io.github.tuneqdm.bench;

import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.quant.WeightQuantizer;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.Compute;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Times the quantisation of all layers of a UNet in one thread; reading them is not timed. */
final class QuantizeBench {
  private QuantizeBench() {}

  static BenchRow run(Compute compute, BenchSettings settings) {
    try (TensorSource tensors = settings.model().unetTensors(compute)) {
      List<String> names =
          tensors.names().stream()
              .filter(name -> BenchModel.isLayer(name, tensors.shape(name)))
              .toList();
      double[] millis = new double[settings.effort().longSections()];
      pass(tensors, names, settings.quantizer());
      for (int section = 0; section < millis.length; section++) {
        millis[section] = pass(tensors, names, settings.quantizer());
      }
      Timings time = Timings.of(millis);
      double weights = names.stream().mapToDouble(name -> count(tensors.shape(name))).sum();
      Map<String, Double> rates = new LinkedHashMap<>();
      rates.put("layers", time.perSecond(names.size()));
      rates.put("GB of float32", time.perSecond(Float.BYTES * weights / 1e9));
      return new BenchRow(
          "quantize", 0, 0, settings.bits(), "", "float32", time, BenchRow.Memory.NONE, 0, rates);
    }
  }

  private static long count(long[] shape) {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  /** Milliseconds that all layers take. */
  private static double pass(TensorSource tensors, List<String> names, QuantizerSettings settings) {
    long nanos = 0;
    for (String name : names) {
      float[] values = tensors.tensor(name).toFloats();
      long start = System.nanoTime();
      WeightQuantizer.quantize(name, values, tensors.shape(name), settings);
      nanos += System.nanoTime() - start;
    }
    return nanos / 1e6;
  }
}
