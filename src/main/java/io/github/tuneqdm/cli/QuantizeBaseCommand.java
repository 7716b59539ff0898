package io.github.tuneqdm.cli;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.spark.OnDemandSpark;
import io.github.tuneqdm.spark.QuantizeBaseJob;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
    name = "quantize-base",
    description =
        "Quantises the UNet of the base model. The result is shared by all subjects and runs, and"
            + " made once.",
    footer = {
      "",
      "Examples:",
      "  jobs/quantize-base",
      "  jobs/quantize-base -D tuneqdm.quantizer.bits=8",
      "  jobs/quantize-base --master spark://host:7077 -- --config conf/sd14.conf"
    })
final class QuantizeBaseCommand implements Callable<Integer> {
  @Mixin private JobOptions options;

  @Override
  public Integer call() {
    PrintStream out = System.out;
    TuneQdmConfig config = options.load();
    JobOptions.print(config, out);
    try (OnDemandSpark spark = new OnDemandSpark("quantize-base", config)) {
      new QuantizeBaseJob(config, spark, out).run();
    }
    return 0;
  }
}
