package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressLineTest {
  private final AtomicLong now = new AtomicLong();
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

  @Test
  void theLineSaysHowFarAndHowLongStill() {
    try (ProgressLine line = line(false)) {
      assertThat(line.text()).isEqualTo("0/6 subjects · preparing");

      line.update(new BatchProgress(0, 400, 0.2));
      line.update(new BatchProgress(1, 200, 0.4));
      now.set(TimeUnit.SECONDS.toNanos(100));

      assertThat(line.text())
          .isEqualTo("4/6 subjects · step 600/800 · loss 0.3000 · 6.00 steps/s · ETA 0:33");
    }
  }

  @Test
  void aBatchThatStartsAgainStartsAnew() {
    try (ProgressLine line = line(false)) {
      line.update(new BatchProgress(1, 300, 0.4));
      line.update(new BatchProgress(1, 10, 0.5));

      assertThat(line.text()).contains("step 10/800");
    }
  }

  @Test
  void aTerminalSeesOneLineDrawnOver() {
    try (ProgressLine line = line(true)) {
      line.update(new BatchProgress(0, 1, 0.5));
      line.draw();
      line.draw();
    }
    String drawn = bytes.toString(StandardCharsets.UTF_8);
    assertThat(drawn).containsOnlyOnce("step 1/800").startsWith("\r").endsWith("\n");
  }

  @Test
  void aFileSeesWholeLines() {
    try (ProgressLine line = line(false)) {
      line.update(new BatchProgress(0, 1, 0.5));
      line.draw();
    }
    assertThat(bytes.toString(StandardCharsets.UTF_8).lines()).hasSize(1);
  }

  private ProgressLine line(boolean terminal) {
    return new ProgressLine(out, terminal, Map.of(0, 4, 1, 2), 400, now::get);
  }
}
