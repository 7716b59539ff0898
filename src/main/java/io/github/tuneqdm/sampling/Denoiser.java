package io.github.tuneqdm.sampling;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.models.ScaleTable;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.nn.TorchBlocks;
import io.github.tuneqdm.nn.UNetBlocks;
import io.github.tuneqdm.nn.tokens.TokenBlocks;
import io.github.tuneqdm.quant.ExpertSchedule;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.RecordedPass;
import io.github.tuneqdm.tensor.ScaleRows;
import java.util.List;

/** What predicts the noise: a base as it is, or a quantised base with its subjects' scales. */
public interface Denoiser extends AutoCloseable {

  /**
   * @param input B samples at one timestep
   * @param subjects each sample's subject (B,)
   * @return the prediction (B, C, H, W), in the manager of the input
   */
  NDArray predict(UNet.Input input, double timestep, int[] subjects);

  @Override
  void close();

  /** A float base without scales; owns {@code unet}. */
  static Denoiser plain(Compute compute, UNet unet) {
    RecordedPass pass =
        new RecordedPass(
            compute,
            (scope, in) -> {
              UNetBlocks blocks =
                  compute.cuda().isPresent()
                      ? new TokenBlocks(compute, scope, compute.empty(), null, false)
                      : new TorchBlocks(compute, ScaleRows.NONE);
              return unet.forward(new UNet.Input(in.get(0), in.get(1), in.get(2)), blocks);
            });
    return new Denoiser() {
      @Override
      public NDArray predict(UNet.Input input, double timestep, int[] subjects) {
        NDManager scope = input.sample().getManager();
        return pass.run(scope, input.sample(), input.timesteps(), input.context());
      }

      @Override
      public void close() {
        pass.close();
        unet.close();
      }
    };
  }

  /**
   * A quantised base with the scales of several subjects, mixed freely in a batch; owns {@code
   * network}.
   *
   * @param scales of each subject, all with the same number of experts
   * @param trainTimesteps of the noise schedule, which the experts divide
   */
  static Denoiser tuned(
      Compute compute, TunableUNet network, List<DeltaScales> scales, int trainTimesteps) {
    return tuned(compute, network, scales, trainTimesteps, network::close);
  }

  /** As {@link #tuned}, but {@code network} stays its owner's. */
  static Denoiser sharing(
      Compute compute, TunableUNet network, List<DeltaScales> scales, int trainTimesteps) {
    return tuned(compute, network, scales, trainTimesteps, () -> {});
  }

  private static Denoiser tuned(
      Compute compute,
      TunableUNet network,
      List<DeltaScales> scales,
      int trainTimesteps,
      Runnable release) {
    int experts = scales.get(0).experts();
    int length = scales.get(0).rows().length;
    float[] all = new float[scales.size() * length];
    for (int s = 0; s < scales.size(); s++) {
      System.arraycopy(scales.get(s).rows(), 0, all, s * length, length);
    }
    ScaleTable table = new ScaleTable(compute, network, scales.size(), experts, all);
    ExpertSchedule byTime = new ExpertSchedule(experts, trainTimesteps);
    RecordedPass pass =
        new RecordedPass(
            compute,
            (scope, in) -> {
              UNet.Input input = new UNet.Input(in.get(0), in.get(1), in.get(2));
              return network.unet().forward(input, table.blocks(scope, in.get(3)));
            });
    return new Denoiser() {
      @Override
      public NDArray predict(UNet.Input input, double timestep, int[] subjects) {
        int[] rows = new int[subjects.length];
        for (int b = 0; b < rows.length; b++) {
          rows[b] = subjects[b] * experts + byTime.expertOf((long) timestep);
        }
        NDManager scope = input.sample().getManager();
        return pass.run(
            scope,
            input.sample(),
            input.timesteps(),
            input.context(),
            table.rowNumbers(scope, rows));
      }

      @Override
      public void close() {
        pass.close();
        table.close();
        release.run();
      }
    };
  }
}
