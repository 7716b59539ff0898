package io.github.tuneqdm.bench;

import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.tensor.Compute;
import java.util.Map;

/** A frozen base in the device's memory, which the measurements of one precision share. */
final class LoadedBase implements AutoCloseable {
  private final Compute compute;
  private final BenchSettings settings;
  private final long baseline;
  private final long resident;
  private final Timings loading;
  private final TunableUNet network;

  /**
   * @param baseline bytes that libraries take on the device
   */
  LoadedBase(Compute compute, BenchSettings settings, long baseline) {
    this.compute = compute;
    this.settings = settings;
    this.baseline = baseline;
    long start = System.nanoTime();
    this.network = settings.model().tunableUnet(compute, settings.quantizer(), settings.mode());
    double millis = (System.nanoTime() - start) / 1e6;
    this.loading = new Timings(millis, millis, millis);
    compute.emptyCache();
    this.resident = DeviceMemory.used(compute.device());
  }

  Compute compute() {
    return compute;
  }

  BenchSettings settings() {
    return settings;
  }

  TunableUNet network() {
    return network;
  }

  /** Every expert's scales of one subject, as the quantiser left them. */
  DeltaScales initialScales() {
    return DeltaScales.initial(network, settings.experts());
  }

  BenchRow.Memory memory(DeviceMemory watch) {
    return watch.above(baseline, resident);
  }

  /** How long it took to make and load. */
  BenchRow row() {
    try (DeviceMemory watch = DeviceMemory.watch(compute.device())) {
      return row("load", 0, 0, loading, memory(watch), 0, Map.of());
    }
  }

  BenchRow row(
      String what,
      int subjects,
      int batch,
      Timings time,
      BenchRow.Memory memory,
      double teraFlops,
      Map<String, Double> rates) {
    return new BenchRow(
        what,
        subjects,
        batch,
        settings.bits(),
        BenchSettings.lowerCase(settings.mode()),
        BenchSettings.lowerCase(compute.precision()),
        time,
        memory,
        teraFlops,
        rates);
  }

  @Override
  public void close() {
    network.close();
    compute.emptyCache();
  }
}
