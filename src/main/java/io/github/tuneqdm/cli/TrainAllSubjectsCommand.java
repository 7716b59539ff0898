package io.github.tuneqdm.cli;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.spark.OnDemandSpark;
import io.github.tuneqdm.spark.TrainAllSubjectsJob;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Result;
import io.github.tuneqdm.spark.TrainingSummary;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "train-all-subjects",
    description = {
      "Trains every subject of the data folder on the quantised base, which is made where it is"
          + " missing. Run again, it goes on where it was; finished subjects are not trained again."
    },
    footer = {
      "",
      "Examples:",
      "  jobs/train-all-subjects",
      "  jobs/train-all-subjects -D tuneqdm.data.names=mug1,duck1 -D tuneqdm.tuning.steps=800",
      "  jobs/train-all-subjects --master spark://host:7077 -- --config conf/sd14.conf"
    })
final class TrainAllSubjectsCommand implements Callable<Integer> {
  @Mixin private JobOptions options;

  @Option(
      names = "--fail-fast",
      description =
          "Stops at the first subject that fails, instead of training the others: as -D"
              + " tuneqdm.run.fail-fast=true.")
  private boolean failFast;

  @Override
  public Integer call() {
    PrintStream out = System.out;
    if (failFast) {
      options.set("tuneqdm.run.fail-fast", "true");
    }
    TuneQdmConfig config = options.load();
    JobOptions.print(config, out);
    try (OnDemandSpark spark = new OnDemandSpark("train-all-subjects", config)) {
      Result result = new TrainAllSubjectsJob(config, spark, System.err, out).run();
      TrainingSummary.print(result, out);
      return result.exitCode().status();
    }
  }
}
