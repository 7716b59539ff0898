package io.github.tuneqdm.tuning;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.ToyWorld;
import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.tensor.Compute;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MemoryPlanTest {
  /** 1,000 for weights or 300 for integers; a subject takes 10, a sample 100 or 25. */
  private static final MemoryPlan.Needs NEEDS = new MemoryPlan.Needs(1000, 300, 10, 100, 25);

  private static MemoryPlan plan(Optional<MemoryMode> wanted, double usable, int samples) {
    return MemoryPlan.of(wanted, usable / 0.92 + 1, NEEDS, 4, samples);
  }

  @Test
  void whatFitsRunsAtOnceBesideResidentWeights() {
    MemoryPlan plan = plan(Optional.empty(), 1000 + 40 + 800, 8);

    assertThat(plan.mode()).isEqualTo(MemoryMode.RESIDENT);
    assertThat(plan.together()).isEqualTo(8);
  }

  @Test
  void whatDoesNotFitIsCutIntoEqualParts() {
    MemoryPlan plan = plan(Optional.empty(), 1000 + 40 + 700, 8);

    assertThat(plan.mode()).isEqualTo(MemoryMode.RESIDENT);
    assertThat(plan.together()).isEqualTo(4);
  }

  @Test
  void aSmallDeviceGetsPackedIntegers() {
    MemoryPlan plan = plan(Optional.empty(), 1000 + 40 + 300, 8);

    assertThat(plan.mode()).isEqualTo(MemoryMode.PACKED);
    assertThat(plan.together()).isEqualTo(8);
    assertThat(plan.reason()).contains("packed weights, 8 of 8 samples at a time");
  }

  @Test
  void theWantedModeStands() {
    assertThat(plan(Optional.of(MemoryMode.RESIDENT), 1000 + 40 + 300, 8).together()).isEqualTo(3);
    assertThat(plan(Optional.of(MemoryMode.PACKED), 1e6, 8).mode()).isEqualTo(MemoryMode.PACKED);
  }

  @Test
  void asManySubjectsTrainTogetherAsFit() {
    assertThat(subjects(1000 + 7 * (10 + 4 * 100), 4)).isEqualTo(7);
    assertThat(subjects(300 + 3 * (10 + 4 * 25), 4)).isEqualTo(3); // packed
    assertThat(subjects(10, 4)).isEqualTo(1);
    assertThat(subjects(1e9, 4)).isEqualTo(32);
  }

  private static int subjects(double usable, int samples) {
    return MemoryPlan.subjects(Optional.empty(), usable / 0.92 + 1, NEEDS, samples);
  }

  @Test
  void thereIsAlwaysAPlan() {
    assertThat(plan(Optional.empty(), 10, 8).together()).isEqualTo(1);
  }

  @Test
  void aNetworksNeedsComeFromItsShapes() {
    try (Compute compute = Compute.cpu(1)) {
      MemoryPlan.Needs needs =
          MemoryPlan.Needs.of(compute, ToyWorld.base().unetConfig(), 4, 4, 16, 24);

      double numbers = needs.resident() / Float.BYTES;
      assertThat(numbers).isBetween(5e6, 50e6);
      assertThat(needs.packed()).isBetween(numbers / 2, numbers);
      assertThat(needs.packedSample()).isLessThan(needs.residentSample());
    }
  }
}
