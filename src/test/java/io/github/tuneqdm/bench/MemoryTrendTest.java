package io.github.tuneqdm.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tuneqdm.bench.MemoryTrend.Seen;
import java.util.List;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MemoryTrendTest {

  private static MemoryTrend trend(IntToLongFunction bytes) {
    List<Seen> seen =
        IntStream.rangeClosed(1, 100)
            .mapToObj(i -> new Seen(10 * i, bytes.applyAsLong(10 * i), 1000, 0))
            .toList();
    return new MemoryTrend("train", 290, seen);
  }

  @Test
  void aLeakIsItsSlopeOverTheRun() {
    MemoryTrend trend = trend(step -> 1_000_000 + 100 * step);

    assertThat(trend.resident()).isCloseTo(100 * 710 / 1_065_000.0, within(1e-4));
    assertThat(trend.heap()).isZero();
    assertThat(trend.gpu()).isZero();
  }

  @Test
  void whatFillsUpBeforeItIsWarmIsNoLeak() {
    assertThat(trend(step -> step <= 290 ? 1000 * step : 290_000).resident()).isZero();
  }

  @Test
  void memoryThatComesAndGoesIsNoLeak() {
    assertThat(trend(step -> 1_000_000 + step % 20 * 1000).resident()).isCloseTo(0, within(1e-3));
  }
}
