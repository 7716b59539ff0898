package io.github.tuneqdm.cli;

import io.github.tuneqdm.inspect.Inspector;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
    name = "inspect",
    description =
        "Describes a model folder, a quantised base, a checkpoint or a run, and refuses what is"
            + " damaged. Runs without Spark, on local paths.",
    footer = {
      "",
      "Examples:",
      "  jobs/inspect src/demo/toyworld/base",
      "  jobs/inspect runs/0123456789ab",
      "  jobs/inspect runs/0123456789ab/subjects/mug1/deltas.safetensors"
    })
final class InspectCommand implements Callable<Integer> {
  @Parameters(paramLabel = "PATH", arity = "1..*", description = "What to look at.")
  private List<Path> paths;

  @Override
  public Integer call() {
    for (Path path : paths) {
      Inspector.describe(path).lines().forEach(System.out::println);
    }
    return 0;
  }
}
