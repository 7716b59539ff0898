package io.github.tuneqdm.verify;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import io.github.tuneqdm.quant.ExpertSchedule;
import io.github.tuneqdm.quant.QuantizedWeight;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.quant.WeightQuantizer;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.FrozenWeight;
import io.github.tuneqdm.tensor.ScaleRows;
import io.github.tuneqdm.tensor.TorchKernels;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Single layers: the quantiser at 2 to 8 bits, a linear and a convolution layer with perturbed
 * experts through the kernels, and the tables of timesteps and experts.
 */
final class MicroLayerCheck {
  private static final double TOLERANCE = 1e-4;
  private static final double ONE_GRADIENT = 1e-2;
  private static final Pattern LAYER =
      Pattern.compile("n(\\d)\\.(sym|asym)\\.(lin|conv)\\.weight_int");
  private static final Pattern EXPERTS = Pattern.compile("expert_index\\.T(\\d+)\\.N(\\d+)");

  // How the file's outputs were made.
  private static final int TIMESTEP = 500;
  private static final int TIMESTEPS = 1000;
  private static final int STRIDE = 2;
  private static final int PADDING = 1;

  private final Compute compute;

  MicroLayerCheck(Compute compute) {
    this.compute = compute;
  }

  void check(GoldenFile g) {
    for (String name : g.names()) {
      Matcher experts = EXPERTS.matcher(name);
      if (experts.matches()) {
        expertTable(g, name, Integer.parseInt(experts.group(2)), experts.group(1));
      }
      Matcher layer = LAYER.matcher(name);
      if (layer.matches()) {
        layer(g, layer.group(3), Integer.parseInt(layer.group(1)), layer.group(2).equals("sym"));
      }
    }
  }

  private static void expertTable(GoldenFile g, String name, int experts, String timesteps) {
    ExpertSchedule schedule = new ExpertSchedule(experts, Integer.parseInt(timesteps));
    long[] table = new long[g.longs(name).length];
    Arrays.setAll(table, schedule::expertOf);
    g.equal(name, table);
  }

  private void layer(GoldenFile g, String layer, int bits, boolean symmetric) {
    StoredTensor weight = g.tensor(layer + ".weight");
    QuantizedWeight quantised =
        WeightQuantizer.quantize(
            layer, weight.toFloats(), weight.shape(), new QuantizerSettings(bits, symmetric));
    String prefix = "n" + bits + (symmetric ? ".sym." : ".asym.") + layer + ".";
    g.equal(prefix + "weight_int", quantised.codes(), g.bytes(prefix + "weight_int"));
    g.equal(prefix + "zero_point", quantised.zeroPoint());
    g.withinOneUlp(prefix + "scale", quantised.scale());
    g.withinOneUlp(prefix + "dequantised", quantised.dequantize());
    if (g.has(prefix + "y")) {
      try (NDManager scope = compute.scope()) {
        scaled(g, scope, layer, prefix, quantised);
      }
    }
  }

  /** A layer by itself is a block whose row of scales is its delta_out, then its delta_in. */
  private void scaled(
      GoldenFile g, NDManager scope, String layer, String prefix, QuantizedWeight quantised) {
    TorchKernels kernels = compute.kernels();
    int outs = quantised.outChannels();
    int ins = quantised.inChannels();
    int experts = (int) g.tensor(prefix + "delta_out_experts").shape()[0];
    int expert = new ExpertSchedule(experts, TIMESTEPS).expertOf(TIMESTEP);
    float[] theta =
        interleaved(
            g.floats(prefix + "delta_out_experts"), g.floats(prefix + "delta_in_experts"), experts);
    float[] initial = Arrays.copyOf(quantised.scale(), outs + ins);
    Arrays.fill(initial, outs, outs + ins, 1);

    NDArray x = g.array(scope, layer + ".x");
    x.setRequiresGradient(true);
    NDArray scales = Compute.floats(scope, theta, 1, theta.length);
    NDArray initials = Compute.floats(scope, initial, initial.length);
    long[] rows = new long[(int) x.getShape().get(0)];
    Arrays.fill(rows, expert);
    NDArray rowNumbers = scope.create(rows, new Shape(rows.length));
    NDArray ratios = kernels.gatherScales(rowNumbers, scales, initials, 0);
    ScaleRows pieces = new ScaleRows(kernels.splitColumns(ratios, new long[] {outs + ins}));
    pieces.pieces().forEach(piece -> piece.setRequiresGradient(true));
    NDArray frozen = Compute.floats(scope, quantised.dequantize(), quantised.shape());
    NDArray bias = g.array(scope, layer + ".bias");
    try (BlockWeights block =
        new BlockWeights(
            List.of(new FrozenWeight.Resident(frozen)),
            List.of(bias),
            new long[] {outs, ins},
            0,
            0)) {
      NDArray y =
          Compute.withGradients(
              true,
              () -> {
                NDArray out =
                    layer.equals("lin")
                        ? kernels.linear(x, block, pieces)
                        : kernels.conv2d(x, block, pieces, STRIDE, PADDING);
                NDArray cotangent = g.array(scope, layer + ".cotangent");
                JniUtils.backward((PtNDArray) out, (PtNDArray) cotangent, false, false);
                return out.stopGradient();
              });
      byChannel(g, prefix + "y", y);
    }
    g.near(prefix + "grad_x", x.getGradient(), TOLERANCE);
    NDArray total = scope.zeros(scales.getShape());
    NDArray gradients =
        kernels.joinGradients(
            pieces.pieces().stream().map(NDArray::getGradient).toList(), initials);
    kernels.addGradients(gradients, rowNumbers, total);
    float[] gradient = total.toFloatArray();
    double[] outGradient = columns(gradient, experts, 0, outs);
    g.near(prefix + "grad_delta_out_experts", outGradient, TOLERANCE);
    eachNear(g, prefix + "grad_delta_out_experts", outGradient);
    g.near(prefix + "grad_delta_in_experts", columns(gradient, experts, outs, ins), TOLERANCE);
    for (int e = 0; e < experts; e++) {
      for (int i = 0; i < outs + ins; i++) {
        g.require(
            e == expert || gradient[e * (outs + ins) + i] == 0,
            prefix + "gradient reaches an expert that was not selected");
      }
    }
  }

  /** As {@link #byChannel}, coarser: a single sum loses digits where its terms cancel. */
  private static void eachNear(GoldenFile g, String name, double[] actual) {
    double[] expected = g.doubles(name);
    for (int i = 0; i < Math.min(actual.length, expected.length); i++) {
      double[] own = {actual[i]};
      g.near(name + "[" + i + "]", own, new double[] {expected[i]}, ONE_GRADIENT);
    }
  }

  /**
   * Each output channel (B, C, ...) of its own: the edge cases' channels differ by orders of
   * magnitude, and the largest would hide the others.
   */
  private static void byChannel(GoldenFile g, String name, NDArray actual) {
    double[] values = GoldenFile.doubles(actual);
    double[] expected = g.doubles(name);
    int batch = (int) actual.getShape().get(0);
    int channels = (int) actual.getShape().get(1);
    g.near(name, values, TOLERANCE);
    for (int c = 0; c < channels && values.length == expected.length; c++) {
      int size = values.length / batch / channels;
      double[] own = new double[batch * size];
      double[] stored = new double[batch * size];
      for (int i = 0; i < own.length; i++) {
        int at = (i / size * channels + c) * size + i % size;
        own[i] = values[at];
        stored[i] = expected[at];
      }
      g.near(name + " channel " + c, own, stored, TOLERANCE);
    }
  }

  private static float[] interleaved(float[] outs, float[] ins, int experts) {
    int o = outs.length / experts;
    int i = ins.length / experts;
    float[] rows = new float[outs.length + ins.length];
    for (int e = 0; e < experts; e++) {
      System.arraycopy(outs, e * o, rows, e * (o + i), o);
      System.arraycopy(ins, e * i, rows, e * (o + i) + o, i);
    }
    return rows;
  }

  private static double[] columns(float[] rows, int count, int from, int width) {
    double[] picked = new double[count * width];
    int stride = rows.length / count;
    Arrays.setAll(picked, i -> rows[i / width * stride + from + i % width]);
    return picked;
  }
}
