package io.github.tuneqdm.cli;

import io.github.tuneqdm.bench.Bench;
import io.github.tuneqdm.bench.BenchSettings;
import io.github.tuneqdm.bench.BenchTable;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "bench",
    subcommands = SoakCommand.class,
    description = {
      "Measures speed, memory and exactness on this machine. Runs without Spark, on local paths.",
      "A row's share is its arithmetic in parts of what the machine reaches on large matrix"
          + " products in the same precision (row matmul). Memory is the GPU's above what libraries"
          + " take: of the frozen network alone, at its peak, and held at the end."
    },
    footer = {
      "",
      "Examples:",
      "  jobs/bench --quick",
      "  jobs/bench train --random sd14 --precision float16 --subjects 1,4,8,16,30",
      "  jobs/bench train sample --base models/stable-diffusion-v1-4 --json bench.json",
      "  jobs/bench parity --device gpu --precision float32,float16",
      "  jobs/bench soak --steps 2000 --images 200"
    })
final class BenchCommand implements Callable<Integer> {
  private static final Set<Bench.Part> USUAL =
      EnumSet.of(Bench.Part.TRAIN, Bench.Part.SAMPLE, Bench.Part.QUANTIZE, Bench.Part.SCORE);

  @Parameters(
      paramLabel = "WHAT",
      arity = "0..*",
      description = {
        "train, sample: steps of training and pictures, for each number of subjects;",
        "quantize: the layers of the UNet; score: pictures through DINO and CLIP;",
        "reference: the official layers' training step with as many samples, on this engine;",
        "profile: where a step's time goes, operation by operation, training and sampling;",
        "parity: results in each precision against float32 on the CPU.",
        "Left out: the first four."
      })
  private List<String> parts = List.of();

  @Mixin private BenchModelOptions model;

  @Mixin private BenchDeviceOptions device;

  @Option(
      names = "--subjects",
      paramLabel = "N",
      split = ",",
      defaultValue = "1,4",
      description = "Subjects in a batch, each measured in turn (default: ${DEFAULT-VALUE}).")
  private List<Integer> subjects;

  @Option(
      names = "--batch",
      paramLabel = "N",
      split = ",",
      defaultValue = "1",
      description =
          "Samples or pictures a subject, each measured in turn (default: ${DEFAULT-VALUE}).")
  private List<Integer> batches;

  @Option(
      names = "--bits",
      paramLabel = "N",
      defaultValue = "4",
      description = "Of the quantised base, 2 to 8 (default: ${DEFAULT-VALUE}).")
  private int bits;

  @Option(
      names = "--experts",
      paramLabel = "N",
      defaultValue = "4",
      description = "Scale sets a subject (default: ${DEFAULT-VALUE}).")
  private int experts;

  @Option(
      names = "--precision",
      paramLabel = "TYPE",
      split = ",",
      defaultValue = "float32",
      description =
          "float32, float16, bfloat16; each measured in turn (default: ${DEFAULT-VALUE}).")
  private List<String> precisions;

  @Option(
      names = "--mode",
      paramLabel = "MODE",
      defaultValue = "resident",
      description =
          "How the base lies in memory: resident, as weights; or packed, as integers that are"
              + " unpacked for each use (default: ${DEFAULT-VALUE}).")
  private String mode;

  @Option(
      names = "--size",
      paramLabel = "PIXELS",
      defaultValue = "0",
      description = "Side of the pictures. Left out: what the model was made for.")
  private int size;

  @Option(
      names = "--sample-steps",
      paramLabel = "N",
      defaultValue = "0",
      description = "Denoising steps a picture. Left out: 50, with --quick 4.")
  private int sampleSteps;

  @Option(
      names = "--quick",
      description = "A small amount of work: figures to look at, not to compare.")
  private boolean quick;

  @Option(names = "--json", paramLabel = "FILE", description = "Writes the rows as JSON as well.")
  private Path json;

  @Override
  public Integer call() {
    PrintStream out = System.out;
    Set<Bench.Part> chosen = chosen();
    BenchSettings settings =
        new BenchSettings(
            model.model(),
            device.device(),
            precisions.stream().map(BenchSettings::precision).toList(),
            subjects,
            batches,
            bits,
            experts,
            BenchSettings.mode(mode),
            size,
            sampleSteps,
            quick ? BenchSettings.Effort.QUICK : BenchSettings.Effort.FULL,
            device.threads(),
            chosen.contains(Bench.Part.SCORE) ? model.encoders() : Optional.empty());
    if (json != null) {
      write(""); // a file that cannot be written is known before hours of work
    }
    BenchTable table = new Bench(settings, out::println).run(chosen);
    if (json != null) {
      write(table.json() + System.lineSeparator());
    }
    return 0;
  }

  private Set<Bench.Part> chosen() {
    Set<Bench.Part> chosen = EnumSet.noneOf(Bench.Part.class);
    parts.forEach(part -> chosen.add(Bench.Part.parse(part)));
    return chosen.isEmpty() ? USUAL : chosen;
  }

  private void write(String text) {
    try {
      Files.writeString(json, text);
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot write " + json + ": " + e, e);
    }
  }
}
