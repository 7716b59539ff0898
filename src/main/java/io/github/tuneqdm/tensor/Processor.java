package io.github.tuneqdm.tensor;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the CPU at hand does well. */
final class Processor {
  private static final Path CPUINFO = Path.of("/proc/cpuinfo");

  private Processor() {}

  /**
   * Features that a head of attention should have at least, filled up with zeros. MKL, libtorch's
   * matrix library, multiplies matrices of fewer than 16 columns without AVX unless Intel made the
   * processor: on others, twice the work takes 0.6 of the time.
   */
  static int narrowestHead() {
    return isIntel() ? 1 : 16;
  }

  private static boolean isIntel() {
    try {
      return Files.readString(CPUINFO, StandardCharsets.ISO_8859_1).contains("GenuineIntel");
    } catch (IOException e) {
      return false; // not Linux: slower on Intel's, not wrong
    }
  }
}
