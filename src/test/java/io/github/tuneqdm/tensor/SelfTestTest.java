package io.github.tuneqdm.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SelfTestTest {
  @Test
  void theCpuComputesRightly() {
    try (Compute compute = Compute.cpu(1)) {
      assertThat(SelfTest.run(compute))
          .isEqualTo("PyTorch " + Compute.engineVersion() + " computes rightly on the CPU");
    }
  }
}
