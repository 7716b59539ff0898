package io.github.tuneqdm.tuning;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.Precision;
import java.util.List;
import org.junit.jupiter.api.Test;

class LossScaleTest {
  private static final float INFINITE = Float.POSITIVE_INFINITY;

  @Test
  void scalesGoOnWhereAStateLeftThem() {
    try (Compute compute = Compute.open(Device.cpu(), Precision.FLOAT16, 2);
        NDManager scope = compute.scope()) {
      LossScale before = LossScale.of(compute, scope, 2, 1);
      before.removeFrom(Compute.floats(scope, new float[] {INFINITE, 1, 1, 1}, 2, 2));
      assertThat(before.scales()).containsExactly(1 << 13, 1 << 14);
      assertThat(before.cleanSteps()).containsExactly(0, 1);

      LossScale after = LossScale.of(compute, scope, 2, 1, state(before));

      assertThat(after.scales()).containsExactly(before.scales());
      assertThat(after.cleanSteps()).containsExactly(before.cleanSteps());
      NDArray rows = scope.create(new long[] {1, 0});
      assertThat(after.seeds(rows).toFloatArray()).containsExactly(1 << 14, 1 << 13);
    }
  }

  @Test
  void aStateFromADeviceThatScaledNothingStartsAnew() {
    try (Compute half = Compute.open(Device.cpu(), Precision.FLOAT16, 2);
        Compute full = Compute.cpu(2);
        NDManager scope = half.scope()) {
      LossScale none = LossScale.of(full, scope, 2, 1);
      assertThat(none.scales()).isEmpty();

      LossScale scaled = LossScale.of(half, scope, 2, 1, state(none));

      assertThat(scaled.scales()).containsExactly(1 << 14, 1 << 14);
      assertThat(LossScale.of(full, scope, 2, 1, state(scaled)).scales()).isEmpty();
    }
  }

  private static TrainingState state(LossScale scale) {
    StoredTensor some = StoredTensor.of(new float[2], 2, 1);
    return new TrainingState(
        0, some, some, some, scale.scales(), scale.cleanSteps(), List.of(List.of(), List.of()));
  }
}
