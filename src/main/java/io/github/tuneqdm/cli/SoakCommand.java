package io.github.tuneqdm.cli;

import io.github.tuneqdm.bench.BenchModel;
import io.github.tuneqdm.bench.BenchSettings;
import io.github.tuneqdm.bench.Soak;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.nn.MemoryMode;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "soak",
    description = {
      "Trains one subject and makes pictures of it for long, prints the memory of process, Java"
          + " heap and GPU now and then, and the growth over the run after warm-up.",
      "Exit status 1 where something grows by more than 3 %%."
    },
    footer = {"", "Examples:", "  jobs/bench soak --steps 2000 --images 200"})
final class SoakCommand implements Callable<Integer> {
  @Option(
      names = "--base",
      paramLabel = "FOLDER",
      description = "Model in diffusers' layout. Left out: the embedded demo's base.")
  private Path base;

  @Mixin private BenchDeviceOptions device;

  @Option(
      names = "--precision",
      paramLabel = "TYPE",
      defaultValue = "float32",
      description = "float32 or float16 (default: ${DEFAULT-VALUE}).")
  private String precision;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "2000",
      description =
          "Training steps after warm-up, which takes 3/4 as many (default: ${DEFAULT-VALUE}).")
  private int steps;

  @Option(
      names = "--images",
      paramLabel = "N",
      defaultValue = "200",
      description = "Pictures, likewise (default: ${DEFAULT-VALUE}).")
  private int images;

  @Override
  public Integer call() {
    PrintStream out = System.out;
    if (steps < 1 || images < 1) {
      throw TuneQdmException.usage("Cannot soak less than one step and one image");
    }
    BenchSettings settings =
        new BenchSettings(
            BenchModel.of(base == null ? BenchModelOptions.demo().resolve("base") : base),
            device.device(),
            List.of(BenchSettings.precision(precision)),
            List.of(1),
            List.of(1),
            4,
            4,
            MemoryMode.RESIDENT,
            0,
            10,
            BenchSettings.Effort.FULL,
            device.threads(),
            Optional.empty());
    boolean steady = new Soak(settings, out::println).run(steps, images);
    out.println(steady ? "Memory is steady" : "Memory grows by more than 3 %");
    return steady ? 0 : Failures.UNFORESEEN;
  }
}
