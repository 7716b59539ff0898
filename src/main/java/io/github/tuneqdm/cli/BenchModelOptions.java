package io.github.tuneqdm.cli;

import io.github.tuneqdm.bench.BenchModel;
import io.github.tuneqdm.error.TuneQdmException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Which model a benchmark measures. */
final class BenchModelOptions {
  private static final String DEMO_DIR = "tuneqdm.demo.dir";

  @Option(
      names = "--base",
      paramLabel = "FOLDER",
      description = "Model in diffusers' layout. Left out: the embedded demo's base.")
  private Path base;

  @Option(
      names = "--random",
      paramLabel = "SHAPE",
      description =
          "Random weights in the shape of a model: sd14 (Stable Diffusion 1.4, no file is read) or"
              + " toyworld (the demo's).")
  private String random;

  BenchModel model() {
    if (random == null) {
      return BenchModel.of(base == null ? demo().resolve("base") : base);
    }
    if (base != null) {
      throw TuneQdmException.usage("Cannot use --base and --random together: choose one");
    }
    return switch (random) {
      case "sd14" -> BenchModel.sd14();
      case "toyworld" -> BenchModel.of(demo().resolve("base")).withRandomWeights();
      default ->
          throw TuneQdmException.usage(
              "Cannot use --random " + random + ": choose sd14 or toyworld");
    };
  }

  /** The demo's encoders; none beside random weights, which get random encoders. */
  Optional<Path> encoders() {
    return random == null ? Optional.of(demo()) : Optional.empty();
  }

  /** The embedded demo's folder. */
  static Path demo() {
    String demo = System.getProperty(DEMO_DIR);
    if (demo == null) {
      throw TuneQdmException.usage(
          "Cannot find the embedded demo: pass --random sd14, or start through jobs/bench");
    }
    return Path.of(demo);
  }
}
