package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.Test;

class SpeedometerTest {
  private static final List<String> PAIR = List.of("ball1", "mug1");

  @Test
  void onlyStepsOfThisAttemptCountAndMemoryIsWhatTrainingAdded() {
    Iterator<Long> seconds = List.of(100L, 102L, 104L).iterator();
    Iterator<Long> bytes = List.of(1000L, 5000L, 3000L).iterator();
    Speedometer meter = new Speedometer(PAIR, () -> seconds.next() * 1_000_000_000, bytes::next);

    meter.started(30);
    assertThat(meter.stepped(40)).isEqualTo(5000);
    meter.stepped(50);

    TrainingSpeed speed = meter.speed().orElseThrow();
    assertThat(speed).isEqualTo(new TrainingSpeed(PAIR, 20, 4, 10, 4000L));
    assertThat(TrainingSpeed.fromJson(speed.toJson(), "x")).isEqualTo(speed);
  }

  @Test
  void aCpuHasNoPeakAndNoStepHasNoSpeed() {
    long[] now = {0};
    Speedometer meter = new Speedometer(PAIR, () -> now[0] += 1_000_000_000, () -> 0);
    assertThat(meter.speed()).isEmpty();

    meter.started(0);
    meter.stepped(3);

    assertThat(meter.speed()).contains(new TrainingSpeed(PAIR, 3, 1, 6, null));
  }
}
