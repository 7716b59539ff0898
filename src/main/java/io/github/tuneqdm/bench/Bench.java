package io.github.tuneqdm.bench;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.OutOfMemory;
import io.github.tuneqdm.tensor.Precision;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Measures what it is asked to, row by row. */
public final class Bench {

  /** What can be measured. */
  public enum Part {
    /** Training steps, for each number of subjects. */
    TRAIN,
    /** The making of pictures, for each number of subjects. */
    SAMPLE,
    /** Quantisation of a UNet's layers. */
    QUANTIZE,
    /** DINO and CLIP on pictures. */
    SCORE,
    /** The official layers' training step, for as many samples. */
    REFERENCE,
    /** Where a training step's time goes. */
    PROFILE,
    /** How far results in each precision lie from float32 on the CPU. */
    PARITY;

    public static Part parse(String name) {
      return BenchSettings.choose("measure", name, values());
    }
  }

  private static final Set<Part> NETWORK =
      EnumSet.of(Part.TRAIN, Part.REFERENCE, Part.PROFILE, Part.SAMPLE);

  private final BenchSettings settings;
  private final Consumer<String> out;
  private final List<BenchRow> rows = new ArrayList<>();
  private final List<Parity> parity = new ArrayList<>();
  private final List<String> skipped = new ArrayList<>();

  /**
   * @param out shows each line as soon as it is there
   */
  public Bench(BenchSettings settings, Consumer<String> out) {
    this.settings = settings;
    this.out = out;
  }

  /** Measures; a row that does not fit into the device's memory is skipped. */
  public BenchTable run(Set<Part> parts) {
    Device device = Machine.device(settings.device());
    String machine = Machine.describe(device, settings.threads());
    out.accept(settings.model().name() + " on " + machine);
    if (parts.contains(Part.QUANTIZE)) {
      try (Compute cpu = Compute.cpu(settings.threads())) {
        add(QuantizeBench.run(cpu, settings));
      }
    }
    for (Precision precision : settings.precisions()) {
      try (Compute compute = Compute.open(device, precision, settings.threads())) {
        measure(compute, parts);
      }
    }
    if (parts.contains(Part.PARITY)) {
      compare(device);
    }
    return new BenchTable(settings.model().name(), machine, rows, parity, skipped);
  }

  private void measure(Compute compute, Set<Part> parts) {
    boolean base = parts.stream().anyMatch(NETWORK::contains);
    if (base) {
      long baseline = DeviceMemory.baseline(compute); // before anything else leaves its traces
      add(MatmulBench.run(compute, BenchSettings.lowerCase(compute.precision())));
      try (LoadedBase loaded = new LoadedBase(compute, settings, baseline)) {
        add(loaded.row());
        if (parts.contains(Part.TRAIN)) {
          TrainBench train = new TrainBench(loaded);
          forEachBatch(compute, "train", train::run);
        }
        if (parts.contains(Part.REFERENCE)) {
          try (ReferenceBench reference = new ReferenceBench(loaded)) {
            forEachBatch(compute, "reference", reference::run);
          }
        }
        if (parts.contains(Part.PROFILE)) {
          try (ProfileBench profile = new ProfileBench(loaded)) {
            for (int subjects : settings.subjects()) {
              profile.run(subjects, settings.batches().get(0)).forEach(out);
            }
          }
        }
        if (parts.contains(Part.SAMPLE)) {
          try (SampleBench sample = new SampleBench(loaded)) {
            forEachBatch(compute, "sample", sample::run);
          }
        }
      }
    }
    if (parts.contains(Part.SCORE)) {
      try (ScoreBench score = new ScoreBench(compute, settings)) {
        add(score.run());
      }
    }
  }

  /** A measurement of so many subjects with so many samples each. */
  @FunctionalInterface
  private interface BatchBench {
    BenchRow run(int subjects, int perSubject);
  }

  private void forEachBatch(Compute compute, String what, BatchBench bench) {
    for (int batch : settings.batches()) {
      for (int subjects : settings.subjects()) {
        Optional<BenchRow> row = unlessFull(() -> bench.run(subjects, batch));
        row.ifPresent(this::add);
        if (row.isEmpty()) {
          compute.emptyCache();
          skipped.add(
              "%s of %d subjects, batch %d, in %s: the device's memory is too small"
                  .formatted(what, subjects, batch, BenchSettings.lowerCase(compute.precision())));
          out.accept(skipped.get(skipped.size() - 1));
        }
      }
    }
  }

  private static Optional<BenchRow> unlessFull(Supplier<BenchRow> bench) {
    try {
      return Optional.of(bench.get());
    } catch (EngineException e) {
      if (OutOfMemory.is(e)) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private void compare(Device device) {
    Parity.Results exact;
    try (Compute cpu = Compute.cpu(settings.threads())) {
      exact = Parity.Results.of(cpu, settings);
    }
    for (Precision precision : settings.precisions()) {
      try (Compute compute = Compute.open(device, precision, settings.threads())) {
        Parity.Results results = Parity.Results.of(compute, settings);
        parity.add(results.against(exact, BenchSettings.lowerCase(precision)));
      }
      out.accept(parity.get(parity.size() - 1).text());
    }
  }

  private void add(BenchRow row) {
    if (rows.isEmpty()) {
      out.accept(BenchTable.heading());
    }
    rows.add(row);
    out.accept(BenchTable.line(row, rows));
  }
}
