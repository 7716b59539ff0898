package io.github.tuneqdm.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import io.github.tuneqdm.models.ScaleTable;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.nn.tokens.TokenBlocks;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.RecordedPass;
import io.github.tuneqdm.tensor.ScaleRows;
import io.github.tuneqdm.tensor.TokenOps;
import java.util.List;

/**
 * How a batch of samples passes through the network, forward and backward. Dimensions: S subjects,
 * N experts, P scales an expert, B samples.
 */
abstract sealed class GradientPass implements AutoCloseable {
  final Compute compute;
  final UNet unet;
  final ScaleTable table;
  final LossScale lossScale;

  private GradientPass(Compute compute, UNet unet, ScaleTable table, LossScale lossScale) {
    this.compute = compute;
    this.unet = unet;
    this.table = table;
    this.lossScale = lossScale;
  }

  /**
   * Adds the samples' scaled gradients to {@code gradient} (S, N * P) and returns their weighted
   * losses (B,), in the manager of the input.
   *
   * @param rows (B,) int64, each sample's {@code subject * N + expert}
   */
  abstract NDArray run(UNet.Input input, NDArray target, NDArray weights, NDArray rows);

  @Override
  public void close() {}

  /** The losses of parts (B,), in the manager of the first. */
  static NDArray concat(List<NDArray> losses) {
    return losses.size() == 1
        ? losses.get(0)
        : NDArrays.concat(new NDList(losses.toArray(NDArray[]::new)));
  }

  /** Under autograd, a block a call. */
  static GradientPass autograd(
      Compute compute, UNet unet, ScaleTable table, LossScale lossScale, NDArray gradient) {
    return new Autograd(compute, unet, table, lossScale, gradient);
  }

  /** With backward passes of our own, recorded where there is a GPU. */
  static GradientPass tokens(
      Compute compute,
      TunableUNet network,
      ScaleTable table,
      LossScale lossScale,
      NDArray gradient) {
    boolean recompute = network.memoryMode() == MemoryMode.PACKED;
    return new Tokens(compute, network.unet(), table, lossScale, gradient, recompute);
  }

  private static final class Autograd extends GradientPass {
    private final NDArray gradient;

    Autograd(Compute compute, UNet unet, ScaleTable table, LossScale lossScale, NDArray gradient) {
      super(compute, unet, table, lossScale);
      this.gradient = gradient;
    }

    /** What the backward pass of some samples leaves: gradients (count, P) of rows, and losses. */
    private record Part(NDArray gradients, NDArray rows, NDArray losses) {}

    @Override
    NDArray run(UNet.Input input, NDArray target, NDArray weights, NDArray rows) {
      List<Part> parts =
          compute.divide(
              Math.toIntExact(rows.size()),
              (from, count) ->
                  Compute.withGradients(
                      true, () -> backward(input, target, weights, rows, from, count)));
      for (Part part : parts) {
        table.addGradients(part.gradients, part.rows, gradient);
        part.gradients.close();
        part.rows.close();
      }
      return concat(parts.stream().map(Part::losses).toList());
    }

    private Part backward(
        UNet.Input input, NDArray target, NDArray weights, NDArray rows, int from, int count) {
      try (NDManager scope = compute.scope()) {
        TokenOps ops = compute.tokenOps().in(scope);
        NDArray own = ops.rows(rows, from, count);
        ScaleRows scales = table.trainableRows(own);
        NDArray out = unet.forward(input.rows(ops, from, count), scales); // (count, C, H, W)
        NDArray losses =
            compute
                .kernels()
                .weightedErrors(
                    out, ops.rows(target, from, count), ops.rows(weights, from, count)); // (count,)
        JniUtils.backward((PtNDArray) losses, (PtNDArray) lossScale.seeds(own), false, false);
        Part part = new Part(table.gradients(scales), own, losses.stopGradient());
        NDManager owner = input.sample().getManager();
        part.gradients.attach(owner);
        part.rows.attach(owner);
        part.losses.attach(owner);
        return part;
      }
    }
  }

  private static final class Tokens extends GradientPass {
    private final RecordedPass pass;

    Tokens(
        Compute compute,
        UNet unet,
        ScaleTable table,
        LossScale lossScale,
        NDArray gradient,
        boolean recompute) {
      super(compute, unet, table, lossScale);
      this.pass =
          new RecordedPass(
              compute,
              (scope, in) -> {
                NDArray rows = in.get(3);
                NDArray scales = table.wholeRows(rows); // (B, P)
                NDArray gradients = scales.zerosLike();
                TokenBlocks blocks = new TokenBlocks(compute, scope, scales, gradients, recompute);
                NDArray text = in.size() > 6 ? in.get(6) : null;
                NDArray ids = in.size() > 7 ? in.get(7) : null;
                UNet.Input input = new UNet.Input(in.get(0), in.get(4), in.get(5), text, ids);
                NDArray out = unet.forward(input, blocks); // (B, C, H, W)
                NDArray losses =
                    blocks.backward(out, in.get(1), in.get(2), lossScale.seeds(rows)); // (B,)
                table.collectGradients(gradients, rows, gradient);
                return losses;
              });
    }

    @Override
    NDArray run(UNet.Input input, NDArray target, NDArray weights, NDArray rows) {
      return Compute.withGradients(
          false,
          () ->
              pass.run(
                  input.sample().getManager(),
                  RecordedPass.present(
                      input.sample(),
                      target,
                      weights,
                      rows,
                      input.timesteps(),
                      input.context(),
                      input.textEmbeds(),
                      input.timeIds())));
    }

    @Override
    public void close() {
      pass.close();
    }
  }
}
