package io.github.tuneqdm.spark.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Java and memory of the machine that this runs on. */
public final class MachineProbe {
  private static final int OLDEST_JAVA = 17;
  private static final long SMALL_HEAP = 700L << 20;
  private static final long LITTLE_MEMORY = 2L << 30;
  private static final double GIBI = 1 << 30;

  private MachineProbe() {}

  public static List<Finding> findings() {
    return List.of(java(), memory());
  }

  private static Finding java() {
    String found =
        "%s (%s)".formatted(Runtime.version(), System.getProperty("java.vendor", "unknown"));
    return Runtime.version().feature() >= OLDEST_JAVA
        ? Finding.ok("java", found)
        : Finding.fail("java", found, "install a JDK 17 or newer and set JAVA_HOME");
  }

  private static Finding memory() {
    long heap = Runtime.getRuntime().maxMemory();
    long free = available();
    String found =
        String.format(
            Locale.ROOT,
            "heap %.1f GiB, %s beside it, %d cores",
            heap / GIBI,
            free < 0 ? "unknown" : String.format(Locale.ROOT, "%.1f GiB free", free / GIBI),
            Runtime.getRuntime().availableProcessors());
    if (heap < SMALL_HEAP) {
      return Finding.warn(
          "memory", found, "give the JVM 1 GiB: --driver-memory 1g, --executor-memory 1g");
    }
    if (free >= 0 && free < LITTLE_MEMORY) {
      return Finding.warn(
          "memory",
          found,
          "tensors lie beside the heap: free 2 GiB or more (spark.executor.memoryOverhead on YARN"
              + " and Kubernetes)");
    }
    return Finding.ok("memory", found);
  }

  /** Bytes that new work may take, as Linux reckons; negative where it does not say. */
  private static long available() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
        if (line.startsWith("MemAvailable:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) << 10;
        }
      }
    } catch (IOException e) {
      return -1; // not Linux
    }
    return -1;
  }
}
