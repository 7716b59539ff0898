package io.github.tuneqdm.cli;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.spark.OnDemandSpark;
import io.github.tuneqdm.spark.TrainAllSubjectsJob;
import io.github.tuneqdm.spark.TrainAllSubjectsJob.Result;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

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

  @Override
  public Integer call() {
    PrintStream out = System.out;
    TuneQdmConfig config = options.load();
    JobOptions.print(config, out);
    try (OnDemandSpark spark = new OnDemandSpark("train-all-subjects", config)) {
      Result result = new TrainAllSubjectsJob(config, spark, System.err, out).run();
      if (result.trained().isEmpty() && result.failures().isEmpty()) {
        out.println(
            "Nothing to do: all %d subjects are trained".formatted(result.alreadyDone().size()));
      } else {
        out.println(
            "%d trained, %d there before, %d failed"
                .formatted(
                    result.trained().size(),
                    result.alreadyDone().size(),
                    result.failures().size()));
      }
      result.failures().forEach((name, why) -> System.err.println(name + " failed: " + why));
      return result.exitCode().status();
    }
  }
}
