package io.github.tuneqdm.verify;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.quant.ExpertSchedule;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tuning.AdamWSettings;
import io.github.tuneqdm.tuning.SubjectBatch;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Output, loss and gradients of a quantised UNet at the timesteps that a file's groups {@code
 * t<timestep>.*} are named by. Losses are mean squared errors against the row's target.
 */
final class ScaleGradients {
  static final double TOLERANCE = 1e-4;
  private static final Pattern GROUP = Pattern.compile("t(\\d+)\\.out");

  /** Which row of the stored samples a group uses. */
  enum RowChoice {
    /** Always row 0. */
    FIRST,
    /** Always row 1. */
    SECOND,
    /** Row 0 at row 0's own timestep, row 1 at others. */
    BY_TIMESTEP;

    int row(GoldenFile samples, int timestep) {
      return switch (this) {
        case FIRST -> 0;
        case SECOND -> 1;
        case BY_TIMESTEP -> samples.longs("timestep")[0] == timestep ? 0 : 1;
      };
    }
  }

  private final Compute compute;
  private final TunableUNet network;
  private final GoldenIndex index;
  private final ExpertSchedule schedule;

  ScaleGradients(
      Compute compute, TunableUNet network, GoldenIndex index, int experts, int timesteps) {
    this.compute = compute;
    this.network = network;
    this.index = index;
    this.schedule = new ExpertSchedule(experts, timesteps);
  }

  /** One row of scales for each of several experts that start equal. */
  static float[] repeat(float[] row, int times) {
    float[] all = new float[row.length * times];
    for (int i = 0; i < times; i++) {
      System.arraycopy(row, 0, all, i * row.length, row.length);
    }
    return all;
  }

  /**
   * @param samples inputs and targets
   * @param start the experts' rows of scales
   */
  void check(GoldenFile g, GoldenFile samples, float[] start, RowChoice choice) {
    try (SubjectBatch batch =
        new SubjectBatch(
            compute, network, 1, schedule.experts(), start, AdamWSettings.REFERENCE, true)) {
      for (String name : g.names()) {
        Matcher group = GROUP.matcher(name);
        if (group.matches()) {
          int timestep = Integer.parseInt(group.group(1));
          try (NDManager scope = compute.scope()) {
            check(g, samples, batch, scope, timestep, choice.row(samples, timestep));
            batch.update(scope, 0, 1); // a step of length 0: only forgets the gradient
          }
        }
      }
    }
  }

  private void check(
      GoldenFile g,
      GoldenFile samples,
      SubjectBatch batch,
      NDManager scope,
      int timestep,
      int row) {
    String group = "t" + timestep + ".";
    int expert = schedule.expertOf(timestep);
    int[] rows = {expert};
    UNet.Input stored = NetworkChecks.input(samples, scope, "", row);
    UNet.Input input =
        new UNet.Input(
            stored.sample(),
            scope.create(new long[] {timestep}),
            stored.context(),
            stored.textEmbeds(),
            stored.timeIds());
    boolean inputGradients = g.has(group + "grad_sample");
    if (inputGradients) {
      input.sample().setRequiresGradient(true);
      input.context().setRequiresGradient(true);
    }
    g.near(group + "out", batch.predict(input, rows), TOLERANCE);
    NDArray target = samples.row(scope, "target", row);
    NDArray loss = batch.accumulate(input, target, scope.ones(new Shape(1)), rows);
    g.near(group + "loss", loss, TOLERANCE);
    number(g, group + "expert", expert, g.info().get(group + "expert"));
    number(g, group + "float64.loss", loss.getFloat(), g.info().at("/" + group + "float64/loss"));
    if (g.has(group + "grad_delta_out")) {
      gradients(g, group, batch.gradient(), expert);
    }
    if (inputGradients) {
      g.near(group + "grad_sample", input.sample().getGradient(), TOLERANCE);
      g.near(group + "grad_encoder_hidden_states", input.context().getGradient(), TOLERANCE);
    }
  }

  private void gradients(GoldenFile g, String group, float[] gradient, int expert) {
    double[] outs = index.outs(network.layout(), gradient, expert);
    double[] ins = index.ins(network.layout(), gradient, expert);
    g.near(group + "grad_delta_out", outs, TOLERANCE);
    g.near(group + "grad_delta_in", ins, TOLERANCE);
    double norm = Math.sqrt(squares(outs) + squares(ins));
    number(g, group + "grad_norm", norm, g.info().get(group + "grad_norm"));
    int width = network.layout().width();
    for (int e = 0; e < schedule.experts(); e++) {
      float[] row = Arrays.copyOfRange(gradient, e * width, (e + 1) * width);
      g.require(
          e == expert || isZero(row), group + "gradient reaches expert " + e + " beside its own");
    }
  }

  /** A number that some files' info has. */
  private static void number(GoldenFile g, String what, double actual, JsonNode expected) {
    if (expected != null && expected.isNumber()) {
      g.near(what, new double[] {actual}, new double[] {expected.asDouble()}, TOLERANCE);
    }
  }

  private static double squares(double[] values) {
    return Arrays.stream(values).map(v -> v * v).sum();
  }

  private static boolean isZero(float[] values) {
    for (float v : values) {
      if (v != 0) {
        return false;
      }
    }
    return true;
  }
}
