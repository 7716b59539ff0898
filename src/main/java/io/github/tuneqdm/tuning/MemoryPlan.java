package io.github.tuneqdm.tuning;

import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.models.UNetConfig;
import io.github.tuneqdm.models.Workload;
import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.nn.ModelBuilder;
import io.github.tuneqdm.tensor.Compute;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * How a batch of subjects lies in a GPU's memory. An estimate: should memory run out all the same,
 * training goes on with fewer samples at a time.
 *
 * @param together samples that pass through the network at a time
 * @param reason in words, for the log
 */
public record MemoryPlan(MemoryMode mode, int together, String reason) {
  /** What a step keeps of each sample, in parts of all layers' outputs. */
  private static final double KEPT_RESIDENT = 2.2;

  private static final double KEPT_PACKED = 0.65;

  /** A subject's scales, gradient, two moments, and what AdamW needs besides. */
  private static final int STATES = 6;

  /** Resident weights are worth it from so many samples at a time. */
  private static final int FEW = 4;

  /** More subjects at a time are hardly faster, and lose more where a machine dies. */
  private static final int MOST_SUBJECTS = 32;

  private static final double USABLE = 0.92;
  private static final double GIBI = 1 << 30;

  /**
   * What one batch needs, in bytes.
   *
   * @param resident weights as numbers
   * @param packed weights as integers, and the largest layer as numbers
   * @param subject of each subject
   * @param residentSample of each sample that is on its way, beside resident weights
   * @param packedSample beside packed weights
   */
  record Needs(
      double resident, double packed, double subject, double residentSample, double packedSample) {

    static Needs of(
        Compute compute, ModelConfig unet, int bits, int experts, int latentSide, int tokens) {
      UNetConfig config = UNetConfig.from(unet);
      int bytes = compute.precision().bytes();
      try (ModelBuilder sketch = ModelBuilder.sketch(compute)) {
        new UNet(config, sketch);
        Map<String, long[]> shapes = sketch.shapes();
        double count = 0;
        double largest = 0;
        for (long[] shape : shapes.values()) {
          double size = Arrays.stream(shape).asDoubleStream().reduce(1, (a, b) -> a * b);
          count += size;
          largest = Math.max(largest, size);
        }
        double outputs = Workload.of(shapes, config.levels(), latentSide, tokens).outputs();
        return new Needs(
            count * bytes,
            count * (bits == 2 || bits == 4 ? bits : 8) / 8 + largest * bytes,
            (double) STATES * experts * sketch.scaleLayout().width() * Float.BYTES,
            KEPT_RESIDENT * outputs * bytes,
            KEPT_PACKED * outputs * bytes);
      }
    }
  }

  /**
   * How many subjects train together so that all their samples fit at once.
   *
   * @param wanted the mode, or nothing: as {@link #of} chooses
   * @param free bytes on the device
   * @param samples of each subject
   */
  static int subjects(Optional<MemoryMode> wanted, double free, Needs needs, int samples) {
    double usable = free * USABLE;
    double resident = (usable - needs.resident) / (needs.subject + samples * needs.residentSample);
    double packed = (usable - needs.packed) / (needs.subject + samples * needs.packedSample);
    boolean enough = resident >= 1 && resident * samples >= FEW;
    MemoryMode mode = wanted.orElse(enough ? MemoryMode.RESIDENT : MemoryMode.PACKED);
    int fit = (int) Math.floor(mode == MemoryMode.RESIDENT ? resident : packed);
    return Math.max(1, Math.min(MOST_SUBJECTS, fit));
  }

  /** Everything at once: what a CPU's memory is taken to hold. */
  static MemoryPlan unlimited(Optional<MemoryMode> wanted, int samples) {
    MemoryMode mode = wanted.orElse(MemoryMode.RESIDENT);
    return new MemoryPlan(mode, samples, mode + " weights, all samples at a time");
  }

  /**
   * @param wanted the mode, or nothing: resident where enough samples fit beside it
   * @param free bytes on the device
   */
  static MemoryPlan of(
      Optional<MemoryMode> wanted, double free, Needs needs, int subjects, int samples) {
    double usable = free * USABLE - subjects * needs.subject;
    int resident = (int) Math.floor((usable - needs.resident) / needs.residentSample);
    int packed = (int) Math.floor((usable - needs.packed) / needs.packedSample);
    MemoryMode mode =
        wanted.orElse(resident >= Math.min(FEW, samples) ? MemoryMode.RESIDENT : MemoryMode.PACKED);
    int fit = Math.max(1, mode == MemoryMode.RESIDENT ? resident : packed);
    int parts = (samples + fit - 1) / fit;
    int together = (samples + parts - 1) / parts; // equal parts: one recording serves them all
    return new MemoryPlan(
        mode,
        together,
        String.format(
            Locale.ROOT,
            "%s weights, %d of %d samples at a time: %.1f GiB are free, %.1f GiB of them for weights"
                + " and %.2f GiB a sample",
            mode,
            together,
            samples,
            free / GIBI,
            (mode == MemoryMode.RESIDENT ? needs.resident : needs.packed) / GIBI,
            (mode == MemoryMode.RESIDENT ? needs.residentSample : needs.packedSample) / GIBI));
  }
}
