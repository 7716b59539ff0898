package io.github.tuneqdm.sampling;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.models.ScaleTable;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.quant.ExpertSchedule;
import io.github.tuneqdm.tensor.Compute;
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
  static Denoiser plain(UNet unet) {
    return new Denoiser() {
      @Override
      public NDArray predict(UNet.Input input, double timestep, int[] subjects) {
        return unet.forward(input, ScaleRows.NONE);
      }

      @Override
      public void close() {
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
    return new Denoiser() {
      @Override
      public NDArray predict(UNet.Input input, double timestep, int[] subjects) {
        int[] rows = new int[subjects.length];
        for (int b = 0; b < rows.length; b++) {
          rows[b] = subjects[b] * experts + byTime.expertOf((long) timestep);
        }
        NDArray numbers = table.rowNumbers(input.sample().getManager(), rows);
        return network.unet().forward(input, table.rows(numbers));
      }

      @Override
      public void close() {
        table.close();
        release.run();
      }
    };
  }
}
