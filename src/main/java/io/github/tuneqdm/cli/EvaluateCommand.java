package io.github.tuneqdm.cli;

import io.github.tuneqdm.config.ConfigSource;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.metrics.FurtherScores;
import io.github.tuneqdm.spark.EvaluateJob;
import io.github.tuneqdm.spark.EvaluateJob.Result;
import io.github.tuneqdm.spark.OnDemandSpark;
import io.github.tuneqdm.spark.RunFolder;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
    name = "evaluate",
    description = {
      "Samples pictures of a run's subjects, scores them (DINO, CLIP-I, CLIP-T; diversity and the"
          + " photos' own likeness as a ceiling) and writes report/index.html into the run's folder.",
      "Without tuneqdm.evaluate.prompts the prompts are those of the data folder's own"
          + " prompts_and_classes.txt, in DreamBooth's form.",
      "Without --config the run's own configuration holds, as it was stored when the run was"
          + " trained."
    },
    footer = {
      "",
      "Examples:",
      "  jobs/evaluate",
      "  jobs/evaluate -D tuneqdm.evaluate.baselines=true",
      "  jobs/evaluate -D tuneqdm.evaluate.run=0123456789ab -D tuneqdm.evaluate.prior-images=8",
      "  jobs/evaluate --config conf/dreambooth.conf"
    })
final class EvaluateCommand implements Callable<Integer> {
  @Mixin private JobOptions options;

  @Override
  public Integer call() {
    PrintStream out = System.out;
    TuneQdmConfig given = options.load();
    RunFolder run = RunFolder.find(given);
    TuneQdmConfig config =
        options.hasFile()
            ? given
            : run.configuration()
                .map(text -> options.load(ConfigSource.text(text, run.root() + "/run.conf")))
                .orElse(given);
    JobOptions.print(config, out);
    out.println("Run " + run.id() + " in " + run.root());
    try (OnDemandSpark spark = new OnDemandSpark("evaluate", config)) {
      Result result = new EvaluateJob(config, spark, out).run(run);
      if (result.sampled() == 0 && result.scored() == 0) {
        out.println("Nothing to do: all pictures are sampled and scored");
      }
      out.println();
      out.print(result.table().render());
      out.println();
      out.print(FurtherScores.of(result.together()).render());
      out.println();
      out.println("Report: " + result.report());
      result.failures().forEach((name, why) -> System.err.println(name + " is missing: " + why));
      return result.exitCode().status();
    }
  }
}
