package io.github.tuneqdm.verify;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.nn.ScaleLayout;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.storage.TuneQdmCheckpoint;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** A reference checkpoint, {@code tuneqdm_state.pt}, put onto our own quantised UNet. */
record OfficialCheckpoint(TuneQdmCheckpoint.Config config, Map<String, StoredTensor> state) {
  private static final String OUT = ".delta_out_experts";
  private static final String IN = ".delta_in_experts";
  private static final String CODES = ".weight_int";
  private static final String ZERO_POINT = ".zero_point";
  private static final String BIAS = ".bias";

  static OfficialCheckpoint read(GoldenFolder folder, String file) {
    TuneQdmCheckpoint checkpoint = folder.read(file, TuneQdmCheckpoint::read);
    return new OfficialCheckpoint(
        checkpoint
            .config()
            .orElseThrow(() -> TuneQdmException.inputData("Cannot use " + file + ": no config")),
        checkpoint.deltaState());
  }

  QuantizerSettings quantizer() {
    return new QuantizerSettings(config.bits(), config.symmetric());
  }

  /** Requires the frozen part of the checkpoint to be what our quantiser makes of the UNet. */
  void requireSameBase(GoldenFile g, QuantisedUNet quantised) {
    TreeSet<String> left = new TreeSet<>(state.keySet());
    try (TensorSource floats = quantised.floats()) {
      quantised
          .layers()
          .forEach(
              (name, layer) -> {
                g.equal(name + CODES, layer.codes(), GoldenFile.bytes(take(left, name + CODES)));
                if (state.containsKey(name + ZERO_POINT)) {
                  float[] zeros = take(left, name + ZERO_POINT).toFloats();
                  g.equal(name + ZERO_POINT, layer.zeroPoint(), zeros);
                }
                left.remove(name + OUT);
                left.remove(name + IN);
              });
      // Biases of the layers, and of the norms too
      for (String name : List.copyOf(left)) {
        if (name.endsWith(BIAS) && floats.names().contains(name)) {
          g.equal(name, floats.tensor(name).toFloats(), take(left, name).toFloats());
        }
      }
    }
    g.require(left.isEmpty(), "the checkpoint has entries that the UNet has not: " + left);
  }

  private StoredTensor take(TreeSet<String> left, String name) {
    left.remove(name);
    return tensor(name);
  }

  private StoredTensor tensor(String name) {
    StoredTensor tensor = state.get(name);
    if (tensor == null) {
      throw TuneQdmException.inputData("the checkpoint has no " + name);
    }
    return tensor;
  }

  /** The scales in the order of our rows. */
  DeltaScales scales(ScaleLayout layout) {
    float[] rows = new float[config.experts() * layout.width()];
    for (ScaleLayout.Layer layer : layout.layers()) {
      fill(rows, layout, layer.name() + OUT, layer.outColumn(), layer.cOut());
      fill(rows, layout, layer.name() + IN, layer.inColumn(), layer.cIn());
    }
    return new DeltaScales(config.experts(), rows);
  }

  private void fill(float[] rows, ScaleLayout layout, String name, int column, int count) {
    float[] values = tensor(name).toFloats();
    if (values.length != config.experts() * count) {
      throw TuneQdmException.inputData(
          "the checkpoint's %s has %d values where %d experts of %d are due"
              .formatted(name, values.length, config.experts(), count));
    }
    for (int e = 0; e < config.experts(); e++) {
      System.arraycopy(values, e * count, rows, e * layout.width() + column, count);
    }
  }
}
