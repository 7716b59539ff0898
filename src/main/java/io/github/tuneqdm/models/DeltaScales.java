package io.github.tuneqdm.models;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.nn.ScaleLayout;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One subject's tuned scales: all that a checkpoint holds.
 *
 * @param experts N
 * @param rows N rows of P scales, laid out as {@link ScaleLayout} says
 */
public record DeltaScales(int experts, float[] rows) {
  private static final String OUT = ".delta_out";
  private static final String IN = ".delta_in";

  /** Every expert as the quantiser left it. */
  public static DeltaScales initial(TunableUNet network, int experts) {
    float[] row = network.initialRow();
    float[] rows = new float[experts * row.length];
    for (int e = 0; e < experts; e++) {
      System.arraycopy(row, 0, rows, e * row.length, row.length);
    }
    return new DeltaScales(experts, rows);
  }

  /** {@code <layer>.delta_out} (N, C_out) and {@code <layer>.delta_in} (N, C_in) of each layer. */
  public Map<String, StoredTensor> toTensors(ScaleLayout layout) {
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    for (ScaleLayout.Layer layer : layout.layers()) {
      tensors.put(layer.name() + OUT, columns(layout, layer.outColumn(), layer.cOut()));
      tensors.put(layer.name() + IN, columns(layout, layer.inColumn(), layer.cIn()));
    }
    return tensors;
  }

  /**
   * Reads a checkpoint back. It must hold exactly the layers of this network.
   *
   * @param where names the checkpoint in messages
   */
  public static DeltaScales fromTensors(TensorSource tensors, ScaleLayout layout, String where) {
    int wanted = 2 * layout.layers().size();
    if (tensors.names().size() != wanted) {
      throw TuneQdmException.inputData(
          "Cannot use the checkpoint %s: it holds %d tensors where this base has %d (it was tuned on another base)"
              .formatted(where, tensors.names().size(), wanted));
    }
    int experts = Math.toIntExact(first(tensors, layout, where).shape()[0]);
    DeltaScales scales = new DeltaScales(experts, new float[experts * layout.width()]);
    for (ScaleLayout.Layer layer : layout.layers()) {
      scales.fill(tensors, layout, layer.name() + OUT, layer.outColumn(), layer.cOut(), where);
      scales.fill(tensors, layout, layer.name() + IN, layer.inColumn(), layer.cIn(), where);
    }
    return scales;
  }

  private static StoredTensor first(TensorSource tensors, ScaleLayout layout, String where) {
    String name = layout.layers().get(0).name() + OUT;
    if (!tensors.names().contains(name) || tensors.shape(name).length != 2) {
      throw TuneQdmException.inputData(
          "Cannot use the checkpoint " + where + ": it has no tensor " + name + " (N, C_out)");
    }
    return tensors.tensor(name);
  }

  private void fill(
      TensorSource tensors, ScaleLayout layout, String name, int column, int count, String where) {
    if (!tensors.names().contains(name)) {
      throw TuneQdmException.inputData(
          "Cannot use the checkpoint " + where + ": tensor " + name + " is missing");
    }
    StoredTensor tensor = tensors.tensor(name);
    if (!Arrays.equals(tensor.shape(), new long[] {experts, count})) {
      throw TuneQdmException.inputData(
          "Cannot use the checkpoint %s: tensor %s has shape %s where this base implies [%d, %d]"
              .formatted(where, name, Arrays.toString(tensor.shape()), experts, count));
    }
    float[] values = tensor.toFloats();
    for (int e = 0; e < experts; e++) {
      System.arraycopy(values, e * count, rows, e * layout.width() + column, count);
    }
  }

  private StoredTensor columns(ScaleLayout layout, int column, int count) {
    float[] values = new float[experts * count];
    for (int e = 0; e < experts; e++) {
      System.arraycopy(rows, e * layout.width() + column, values, e * count, count);
    }
    return StoredTensor.of(values, experts, count);
  }

  /** Whether every scale is a number. */
  public boolean isFinite() {
    for (float v : rows) {
      if (!Float.isFinite(v)) {
        return false;
      }
    }
    return true;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof DeltaScales that
        && experts == that.experts
        && Arrays.equals(rows, that.rows);
  }

  @Override
  public int hashCode() {
    return 31 * experts + Arrays.hashCode(rows);
  }

  @Override
  public String toString() {
    return "DeltaScales[" + experts + " experts, " + rows.length + " scales]";
  }
}
