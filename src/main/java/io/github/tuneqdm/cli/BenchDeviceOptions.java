package io.github.tuneqdm.cli;

import io.github.tuneqdm.bench.BenchSettings;
import picocli.CommandLine.Option;

/** Where a benchmark runs. */
final class BenchDeviceOptions {
  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      defaultValue = "auto",
      description = "cpu, gpu, or auto: a GPU where there is one (default: ${DEFAULT-VALUE}).")
  private String device;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "2",
      description = "Threads of the tensor engine on a CPU (default: ${DEFAULT-VALUE}).")
  private int threads;

  BenchSettings.Device device() {
    return BenchSettings.Device.parse(device);
  }

  int threads() {
    return threads;
  }
}
