package io.github.tuneqdm.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GuidanceTest {
  private final NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");

  @AfterEach
  void freeTensors() {
    manager.close();
  }

  @Test
  void theConditionalHalfIsPushedAwayFromTheUnconditional() {
    NDArray doubled = manager.create(new float[] {1, 2, 3, 5}, new Shape(2, 2, 1, 1));

    NDArray guided = Guidance.combine(doubled, 5);

    assertThat(guided.getShape()).isEqualTo(new Shape(1, 2, 1, 1));
    assertThat(guided.toFloatArray()).containsExactly(1 + 5 * 2, 2 + 5 * 3);
    assertThat(doubled.toFloatArray()).containsExactly(1, 2, 3, 5);
    assertThat(guided.getManager()).isSameAs(manager);
    assertThat(manager.getManagedArrays()).containsExactlyInAnyOrder(doubled, guided);
  }

  @Test
  void bothHalvesOfADoubledBatchAreTheSample() {
    NDArray sample = manager.create(new float[] {1, 2}, new Shape(2, 1, 1, 1));

    assertThat(Guidance.doubled(sample).toFloatArray()).containsExactly(1, 2, 1, 2);
  }

  @Test
  void anOddBatchHasNoHalves() {
    NDArray odd = manager.zeros(new Shape(3, 1, 1, 1));

    assertThatThrownBy(() -> Guidance.combine(odd, 5)).isInstanceOf(IllegalArgumentException.class);
  }
}
