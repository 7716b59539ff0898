package io.github.tuneqdm.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class NativeHeapTest {
  private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+(\\d+) kB");

  @Test
  void freedMemoryStaysUntilTheLastTensorIsGone() throws IOException {
    long before;
    try (Compute compute = Compute.cpu(1)) {
      before = residentMebibytes();
      try (NDManager scope = compute.scope()) {
        for (int i = 0; i < 100; i++) {
          scope.ones(new Shape(1 << 20)); // 4 MiB
        }
      }
      assertThat(residentMebibytes() - before).isGreaterThan(300);
    }
    assertThat(residentMebibytes() - before).isLessThan(100);
  }

  private static long residentMebibytes() throws IOException {
    Matcher m = RESIDENT.matcher(Files.readString(Path.of("/proc/self/status")));
    assertThat(m.find()).isTrue();
    return Long.parseLong(m.group(1)) / 1024;
  }
}
