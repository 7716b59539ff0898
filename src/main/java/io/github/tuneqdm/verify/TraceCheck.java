package io.github.tuneqdm.verify;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.diffusion.NoiseSchedule;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.nn.ScaleLayout;
import io.github.tuneqdm.quant.ExpertSchedule;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tuning.AdamWSettings;
import io.github.tuneqdm.tuning.SubjectBatch;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.DoubleStream;

/** The reference's training steps, with its noise and timesteps: losses, norms, final scales. */
final class TraceCheck {
  private static final double TOLERANCE = 1e-4;
  private static final double FARTHEST_SCALE = 2e-4;
  private static final double USUAL_SCALE = 1e-5;
  private static final double LEARNING_RATE = 1e-3;
  private static final Pattern RUN = Pattern.compile("n(\\d)\\.loss");
  private static final String SCHEDULE =
      "{\"beta_schedule\": \"scaled_linear\", \"beta_start\": 0.00085, \"beta_end\": 0.012,"
          + " \"num_train_timesteps\": 1000}";

  private final Compute compute;
  private final GoldenFolder folder;
  private final NoiseSchedule noise =
      NoiseSchedule.fromConfig(ModelConfig.parse(SCHEDULE, "the training trace's schedule").json());

  TraceCheck(Compute compute, GoldenFolder folder) {
    this.compute = compute;
    this.folder = folder;
  }

  void check(GoldenFile g) {
    GoldenIndex index = GoldenIndex.read(folder, g.setting("index").asText());
    for (String name : g.names()) {
      Matcher run = RUN.matcher(name);
      if (run.matches()) {
        check(g, index, Integer.parseInt(run.group(1)));
      }
    }
  }

  private void check(GoldenFile g, GoldenIndex index, int bits) {
    String run = "n" + bits + ".";
    int experts = (int) g.tensor(run + "final.delta_out").shape()[0];
    ExpertSchedule schedule = new ExpertSchedule(experts, noise.trainTimesteps());
    QuantisedUNet quantised =
        QuantisedUNet.of(folder, g.setting("model").asText(), new QuantizerSettings(bits, false));
    long[] timesteps = g.longs("timesteps");
    double[] losses = new double[timesteps.length];
    double[] norms = new double[timesteps.length];
    try (TunableUNet network = quantised.open(compute);
        SubjectBatch batch = start(network, experts)) {
      ScaleLayout layout = network.layout();
      for (int step = 0; step < timesteps.length; step++) {
        int t = (int) timesteps[step];
        int expert = schedule.expertOf(t);
        try (NDManager scope = compute.scope()) {
          losses[step] = accumulate(g, scope, batch, step, t, expert);
          norms[step] = batch.update(scope, LEARNING_RATE, 1).getFloat();
        }
        if (step == 0) {
          float[] scales = batch.scales();
          scales(g, run + "step1.delta_out_selected", index.outs(layout, scales, expert));
          scales(g, run + "step1.delta_in_selected", index.ins(layout, scales, expert));
        }
      }
      each(g, run + "loss", losses);
      each(g, run + "loss_f64", losses);
      each(g, run + "grad_norm", norms);
      each(g, run + "grad_norm_f64", norms);
      float[] scales = batch.scales();
      DoubleStream outs = DoubleStream.empty();
      DoubleStream ins = DoubleStream.empty();
      for (int e = 0; e < experts; e++) {
        outs = DoubleStream.concat(outs, Arrays.stream(index.outs(layout, scales, e)));
        ins = DoubleStream.concat(ins, Arrays.stream(index.ins(layout, scales, e)));
      }
      scales(g, run + "final.delta_out", outs.toArray());
      scales(g, run + "final.delta_in", ins.toArray());
    }
  }

  private SubjectBatch start(TunableUNet network, int experts) {
    float[] rows = ScaleGradients.repeat(network.initialRow(), experts);
    return new SubjectBatch(compute, network, 1, experts, rows, AdamWSettings.REFERENCE, true);
  }

  private double accumulate(
      GoldenFile g, NDManager scope, SubjectBatch batch, int step, int t, int expert) {
    NDArray clean = g.row(scope, "latents", (int) g.longs("latent_index")[step]);
    NDArray eps = g.row(scope, "noise", step);
    NDArray noisy = noise.addNoise(clean, eps, new int[] {t});
    UNet.Input input =
        new UNet.Input(
            noisy, scope.create(new long[] {t}), g.array(scope, "encoder_hidden_states"));
    NDArray weights = scope.ones(new Shape(1));
    return batch.accumulate(input, eps, weights, new int[] {expert}).getFloat();
  }

  /** Each number of its own: an early error must not hide behind large later values. */
  private static void each(GoldenFile g, String name, double[] actual) {
    double[] expected = g.doubles(name);
    g.require(actual.length == expected.length, name + ": not a number a step");
    for (int i = 0; i < Math.min(actual.length, expected.length); i++) {
      g.near(name + "[" + i + "]", new double[] {actual[i]}, new double[] {expected[i]}, TOLERANCE);
    }
  }

  /** AdamW divides by tiny moments: a few scales may be farther off than the rest. */
  private static void scales(GoldenFile g, String name, double[] actual) {
    double[] expected = g.doubles(name);
    g.within(name, actual, expected, FARTHEST_SCALE);
    double[] distances = new double[Math.min(actual.length, expected.length)];
    Arrays.setAll(distances, i -> Math.abs(actual[i] - expected[i]));
    Arrays.sort(distances);
    g.require(
        distances.length > 0 && distances[(int) (0.99 * (distances.length - 1))] <= USUAL_SCALE,
        name + ": 99th percentile over 1e-5");
  }
}
