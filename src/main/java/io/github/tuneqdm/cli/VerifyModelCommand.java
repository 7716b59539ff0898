package io.github.tuneqdm.cli;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.verify.ModelVerifier;
import io.github.tuneqdm.verify.VerifyReport;
import io.github.tuneqdm.verify.VerifyRow;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "verify-model",
    description =
        "Runs the models in a folder of goldens and compares every tensor with what the original"
            + " code gave; a row a file, and exit status 3 where one is past its tolerance or"
            + " unknown. Runs without Spark, on local paths.",
    footer = {
      "",
      "Examples:",
      "  jobs/verify-model --goldens src/test/goldens",
      "  jobs/verify-model --goldens my-goldens --base models/my-base"
    })
final class VerifyModelCommand implements Callable<Integer> {
  private static final String DEMO_DIR = "tuneqdm.demo.dir";

  @Option(
      names = "--goldens",
      paramLabel = "DIR",
      required = true,
      description = "Folder of goldens, in the form of src/test/goldens.")
  private Path goldens;

  @Option(
      names = "--base",
      paramLabel = "FOLDER",
      description =
          "The base model that the goldens named toyworld were made with; the embedded demo's if"
              + " left out.")
  private Path base;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "1",
      description = "Threads of the tensor engine (default: ${DEFAULT-VALUE}).")
  private int threads;

  @Override
  public Integer call() {
    VerifyReport report = VerifyReport.forFiles(ModelVerifier.files(goldens));
    System.out.println(report.heading());
    List<VerifyRow> rows;
    try (Compute compute = Compute.cpu(threads)) {
      rows =
          ModelVerifier.verify(
              goldens, baseModel(), compute, row -> System.out.println(report.line(row)));
    }
    System.out.println(VerifyReport.sum(rows));
    return rows.stream().allMatch(VerifyRow::passed) ? 0 : ExitCode.INPUT_DATA.status();
  }

  private Path baseModel() {
    String demo = System.getProperty(DEMO_DIR);
    return base != null || demo == null ? base : Path.of(demo, "base");
  }
}
