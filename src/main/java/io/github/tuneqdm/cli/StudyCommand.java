package io.github.tuneqdm.cli;

import io.github.tuneqdm.config.StudySettings;
import io.github.tuneqdm.spark.OnDemandSpark;
import io.github.tuneqdm.spark.StudyJob;
import io.github.tuneqdm.spark.StudyJob.Result;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "study",
    description = {
      "Compares settings: trains and evaluates the cells of a study with each of its seeds on the"
          + " same subjects, and writes a table with 95 %% intervals, paired differences and costs"
          + " into the folder studies beside the runs.",
      "Run again, it goes on where it was. A cell that fails is told with its cause and keeps no"
          + " other from its work. How to write a study: src/docs/study.md."
    },
    footer = {
      "",
      "Examples:",
      "  jobs/study --study conf/studies/quick.conf",
      "  jobs/study --study conf/studies/toyworld.conf",
      "  jobs/study --master local[8] -- --study conf/studies/toyworld.conf -D tuneqdm.study.parallel=8"
    })
final class StudyCommand implements Callable<Integer> {
  @Mixin private JobOptions options;

  @Option(
      names = "--study",
      paramLabel = "FILE",
      required = true,
      description =
          "HOCON file with tuneqdm.study { name, cells, seeds, ... }; what else it sets lies over"
              + " --config.")
  private Path file;

  @Override
  public Integer call() {
    PrintStream out = System.out;
    StudySettings study = options.loadStudy(file);
    JobOptions.print(study.shared(), out);
    try (OnDemandSpark spark = new OnDemandSpark("study " + study.name(), study.shared())) {
      Result result = new StudyJob(study, spark, System.err, out).run();
      out.println();
      out.print(result.text());
      out.println();
      out.println("Tables and page: " + result.folder());
      return result.exitCode().status();
    }
  }
}
