package io.github.tuneqdm.verify;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.quant.ExpertSchedule;
import io.github.tuneqdm.quant.QuantizedWeight;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.quant.WeightQuantizer;
import io.github.tuneqdm.storage.ModelWeights;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tuning.AdamWSettings;
import io.github.tuneqdm.tuning.SubjectBatch;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;

/** Quantised UNets: integers, outputs, gradients of scales, and training. */
final class TuningChecks {
  private static final double TOLERANCE = 1e-4;
  private static final int TIMESTEPS = 1000;

  private final Compute compute;
  private final Path folder;

  TuningChecks(Compute compute, Path folder) {
    this.compute = compute;
    this.folder = folder;
  }

  /** One quantiser setting of the SD 1.x UNet: {@code tuneqdm/sd1_n<bits>_<sym|asym>}. */
  void settings(GoldenFile g) {
    QuantizerSettings settings =
        new QuantizerSettings(
            g.info().get("n_bits").asInt(), g.info().get("symmetric").asBoolean());
    GoldenIndex index = GoldenIndex.read(folder.resolve("tuneqdm/sd1.index.json"));
    Quantised q = quantise("sd_tiny/unet", settings);
    integers(g, index, q, settings);
    gradients(g, index, q, "sd1", true);
  }

  /** The 4-bit runs of the other UNets: {@code unet_*_tq4}. */
  void fourBits(GoldenFile g, String model) {
    QuantizerSettings settings =
        new QuantizerSettings(
            g.info().get("n_bits").asInt(), g.info().get("symmetric").asBoolean());
    GoldenIndex index = GoldenIndex.read(folder.resolve("unet_" + model + "_tq.index.json"));
    gradients(g, index, quantise("unet_" + model, settings), model, false);
  }

  private record Quantised(ModelConfig config, Map<String, QuantizedWeight> layers, Path unet) {
    TunableUNet open(Compute compute) {
      try (TensorSource floats = ModelWeights.open(unet)) {
        return TunableUNet.open(compute, config, layers.keySet(), layers::get, floats);
      }
    }
  }

  private Quantised quantise(String model, QuantizerSettings settings) {
    Path unet = folder.resolve(model);
    Map<String, QuantizedWeight> layers = new HashMap<>();
    try (TensorSource weights = ModelWeights.open(unet)) {
      for (String name : weights.names()) {
        StoredTensor tensor = weights.tensor(name);
        if (name.endsWith(".weight") && tensor.shape().length >= 2) {
          String layer = name.substring(0, name.length() - ".weight".length());
          layers.put(
              layer, WeightQuantizer.quantize(layer, tensor.toFloats(), tensor.shape(), settings));
        }
      }
    }
    return new Quantised(ModelConfig.read(unet.resolve("config.json")), layers, unet);
  }

  private static void integers(
      GoldenFile g, GoldenIndex index, Quantised q, QuantizerSettings settings) {
    byte[] codes = new byte[index.weights()];
    float[] scales = new float[index.outs()];
    float[] zeros = new float[index.outs()];
    index
        .layers()
        .forEach(
            (name, at) -> {
              QuantizedWeight layer = q.layers().get(name);
              System.arraycopy(layer.codes(), 0, codes, at.weight(), layer.codes().length);
              System.arraycopy(layer.scale(), 0, scales, at.out(), layer.scale().length);
              System.arraycopy(layer.zeroPoint(), 0, zeros, at.out(), layer.scale().length);
            });
    g.require(
        new TreeSet<>(index.layers().keySet()).equals(new TreeSet<>(q.layers().keySet())),
        "the quantised layers are not those of the index");
    String packedName = "weight_int_packed";
    boolean packed = g.has(packedName);
    byte[] stored =
        packed ? io.github.tuneqdm.quant.PackedTensor.pack(codes, settings.bits()).bytes() : codes;
    String name = packed ? packedName : "weight_int";
    g.equal(name, stored, bytes(g.tensor(name)));
    g.withinOneUlp("delta_out", scales);
    if (g.has("zero_point")) {
      g.equal("zero_point", zeros);
    }
  }

  private static byte[] bytes(StoredTensor tensor) {
    byte[] bytes = new byte[tensor.bytes().remaining()];
    tensor.bytes().get(bytes);
    return bytes;
  }

  /** Groups named t&lt;timestep&gt;.*: row 0 for expert 0's timestep, row 1 for the others. */
  private void gradients(
      GoldenFile g, GoldenIndex index, Quantised q, String model, boolean rowByTimestep) {
    int experts = g.info().get("num_experts").asInt();
    ExpertSchedule schedule = new ExpertSchedule(experts, TIMESTEPS);
    try (GoldenFile inputs = GoldenFile.open(folder, "unet_" + model + ".safetensors");
        TunableUNet network = q.open(compute);
        SubjectBatch batch = batch(network, experts, repeat(network.initialRow(), experts));
        NDManager scope = compute.scope()) {
      long[] timesteps = inputs.longs("timestep");
      for (String name : g.names()) {
        if (!name.matches("t\\d+\\.out")) {
          continue;
        }
        String group = name.substring(0, name.length() - "out".length());
        int t = Integer.parseInt(group.substring(1, group.length() - 1));
        int row = rowByTimestep && timesteps[0] == t ? 0 : 1;
        run(g, index, group, t, row, inputs, network, batch, schedule.expertOf(t), scope);
        batch.update(scope, 0, 1); // clears the gradient
      }
    }
  }

  private void run(
      GoldenFile g,
      GoldenIndex index,
      String group,
      int t,
      int row,
      GoldenFile inputs,
      TunableUNet network,
      SubjectBatch batch,
      int expert,
      NDManager scope) {
    UNet.Input stored = NetworkChecks.input(inputs, scope, "", row);
    UNet.Input input =
        new UNet.Input(
            stored.sample(),
            scope.create(new long[] {t}),
            stored.context(),
            stored.textEmbeds(),
            stored.timeIds());
    boolean inputGradients = g.has(group + "grad_sample");
    if (inputGradients) {
      input.sample().setRequiresGradient(true);
      input.context().setRequiresGradient(true);
    }
    NDArray out = batch.predict(input, new int[] {expert});
    g.near(group + "out", out, TOLERANCE);
    NDArray loss =
        batch.accumulate(
            input,
            inputs.row(scope, "target", row),
            scope.ones(new ai.djl.ndarray.types.Shape(1)),
            new int[] {expert});
    g.near(group + "loss", loss, TOLERANCE);
    if (!g.has(group + "grad_delta_out")) {
      return;
    }
    float[] gradient = batch.gradient();
    g.near(group + "grad_delta_out", index.outs(network.layout(), gradient, expert), TOLERANCE);
    g.near(group + "grad_delta_in", index.ins(network.layout(), gradient, expert), TOLERANCE);
    int width = network.layout().width();
    for (int e = 0; e < gradient.length / width; e++) {
      float[] other = Arrays.copyOfRange(gradient, e * width, (e + 1) * width);
      g.require(e == expert || isZero(other), group + "gradient reaches another expert");
    }
    if (inputGradients) {
      g.near(group + "grad_sample", input.sample().getGradient(), TOLERANCE);
      g.near(group + "grad_encoder_hidden_states", input.context().getGradient(), TOLERANCE);
    }
  }

  private static boolean isZero(float[] values) {
    for (float v : values) {
      if (v != 0) {
        return false;
      }
    }
    return true;
  }

  private SubjectBatch batch(TunableUNet network, int experts, float[] start) {
    return new SubjectBatch(compute, network, 1, experts, start, AdamWSettings.REFERENCE, true);
  }

  static float[] repeat(float[] row, int times) {
    float[] all = new float[row.length * times];
    for (int i = 0; i < times; i++) {
      System.arraycopy(row, 0, all, i * row.length, row.length);
    }
    return all;
  }

  /** The reference's 20 training steps at 8 and 4 bits. */
  void trace(GoldenFile g) {
    GoldenIndex index = GoldenIndex.read(folder.resolve(g.info().get("index").asText()));
    long[] timesteps = g.longs("timesteps");
    long[] latentIndex = g.longs("latent_index");
    for (int bits : new int[] {8, 4}) {
      trace(g, index, timesteps, latentIndex, bits);
    }
  }

  private void trace(
      GoldenFile g, GoldenIndex index, long[] timesteps, long[] latentIndex, int bits) {
    String run = "n" + bits + ".";
    int experts = (int) g.tensor(run + "final.delta_out").shape()[0];
    ExpertSchedule schedule = new ExpertSchedule(experts, TIMESTEPS);
    Quantised q = quantise(g.info().get("model").asText(), new QuantizerSettings(bits, false));
    io.github.tuneqdm.diffusion.NoiseSchedule noise =
        io.github.tuneqdm.diffusion.NoiseSchedule.fromConfig(
            ModelConfig.parse(
                    "{\"beta_schedule\": \"scaled_linear\", \"beta_start\": 0.00085,"
                        + " \"beta_end\": 0.012, \"num_train_timesteps\": 1000}",
                    "the training trace's schedule")
                .json());
    double[] losses = new double[timesteps.length];
    double[] norms = new double[timesteps.length];
    try (TunableUNet network = q.open(compute);
        SubjectBatch batch = batch(network, experts, repeat(network.initialRow(), experts))) {
      for (int step = 0; step < timesteps.length; step++) {
        int t = (int) timesteps[step];
        int expert = schedule.expertOf(t);
        try (NDManager scope = compute.scope()) {
          NDArray x0 = g.row(scope, "latents", (int) latentIndex[step]);
          NDArray eps = g.row(scope, "noise", step);
          NDArray noisy = x0.mul(noise.signalScale(t)).add(eps.mul(noise.noiseScale(t)));
          UNet.Input input =
              new UNet.Input(
                  noisy, scope.create(new long[] {t}), g.array(scope, "encoder_hidden_states"));
          NDArray loss =
              batch.accumulate(
                  input, eps, scope.ones(new ai.djl.ndarray.types.Shape(1)), new int[] {expert});
          losses[step] = loss.getFloat();
          norms[step] = batch.update(scope, 1e-3, 1).getFloat();
        }
        if (step == 0) {
          float[] scales = batch.scales();
          percentile(
              g, run + "step1.delta_out_selected", index.outs(network.layout(), scales, expert));
          percentile(
              g, run + "step1.delta_in_selected", index.ins(network.layout(), scales, expert));
        }
      }
      eachNear(g, run + "loss", losses);
      eachNear(g, run + "loss_f64", losses);
      eachNear(g, run + "grad_norm", norms);
      eachNear(g, run + "grad_norm_f64", norms);
      float[] scales = batch.scales();
      double[] outs = new double[0];
      double[] ins = new double[0];
      for (int e = 0; e < experts; e++) {
        outs = concat(outs, index.outs(network.layout(), scales, e));
        ins = concat(ins, index.ins(network.layout(), scales, e));
      }
      percentile(g, run + "final.delta_out", outs);
      percentile(g, run + "final.delta_in", ins);
    }
  }

  private static double[] concat(double[] a, double[] b) {
    double[] all = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, all, a.length, b.length);
    return all;
  }

  private static void eachNear(GoldenFile g, String name, double[] actual) {
    double[] expected = g.doubles(name);
    for (int i = 0; i < actual.length; i++) {
      g.near(name + "[" + i + "]", new double[] {actual[i]}, new double[] {expected[i]}, TOLERANCE);
    }
  }

  /** At most 1e-5 apart at the 99th percentile and 2e-4 anywhere. */
  private static void percentile(GoldenFile g, String name, double[] actual) {
    double[] expected = g.doubles(name);
    g.within(name, actual, expected, 2e-4);
    double[] d = new double[actual.length];
    for (int i = 0; i < d.length; i++) {
      d[i] = Math.abs(actual[i] - expected[i]);
    }
    Arrays.sort(d);
    g.require(d[(int) (0.99 * (d.length - 1))] <= 1e-5, name + ": 99th percentile over 1e-5");
  }
}
