package io.github.tuneqdm.cli;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.spark.DoctorJob;
import io.github.tuneqdm.spark.DoctorReport;
import io.github.tuneqdm.spark.OnDemandSpark;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
    name = "doctor",
    description = {
      "Looks at what a job with this configuration needs, on the driver and on each executor: Java,"
          + " memory, Spark, the tensor engine and its GPU, rights on the storage, models, clocks"
          + " and cache folders. Prints a row each, with how to mend what is wrong.",
      "Changes nothing: the files that it writes to try its rights, it deletes again. Exit status 6"
          + " where a row says fail."
    },
    footer = {
      "",
      "Examples:",
      "  jobs/doctor",
      "  jobs/doctor --config conf/sd14.conf -D tuneqdm.device.kind=cpu",
      "  jobs/doctor --master spark://host:7077 \\",
      "      --conf spark.executor.resource.gpu.amount=1 -- --config conf/sd14.conf"
    })
final class DoctorCommand implements Callable<Integer> {
  @Mixin private JobOptions options;

  @Override
  public Integer call() {
    PrintStream out = System.out;
    TuneQdmConfig config = options.load();
    JobOptions.print(config, out);
    try (OnDemandSpark spark = new OnDemandSpark("doctor", config)) {
      DoctorReport report = new DoctorJob(config, spark).run();
      report.lines().forEach(out::println);
      return report.exitCode().status();
    }
  }
}
