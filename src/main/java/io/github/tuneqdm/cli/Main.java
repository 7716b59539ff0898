package io.github.tuneqdm.cli;

import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The one main class of the jar: {@code spark-submit tuneqdm-spark.jar <command> [options]}. */
@Command(
    name = "tuneqdm-spark",
    description = "Fine-tunes quantised diffusion models for many subjects at once.",
    synopsisSubcommandLabel = "COMMAND",
    versionProvider = Main.Version.class,
    footer = {
      "",
      "Exit status: 0 done; 2 usage or configuration; 3 bad input data; 4 some subjects failed;",
      "5 all subjects failed; 6 environment (storage, engine, device); 1 anything unforeseen."
    })
public final class Main {
  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Shows the stack trace of a failure.")
  private boolean debug;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "Shows this help.")
  private boolean help;

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Shows the version.")
  private boolean version;

  private Main() {}

  public static void main(String[] args) {
    int status = run(new PrintWriter(System.out, true), new PrintWriter(System.err, true), args);
    if (status != 0) {
      System.exit(status);
    }
  }

  /** Runs one command and returns its exit status. */
  static int run(PrintWriter out, PrintWriter err, String... args) {
    Main main = new Main();
    CommandLine commandLine =
        new CommandLine(main)
            .setOut(out)
            .setErr(err)
            .setUsageHelpAutoWidth(true)
            .setExecutionExceptionHandler(
                (failure, command, parsed) -> Failures.report(failure, command, main.debug));
    return commandLine.execute(args);
  }

  /** The version that the build wrote into the manifest. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Main.class.getPackage().getImplementationVersion();
      return new String[] {"tuneqdm-spark " + (version == null ? "(not packaged)" : version)};
    }
  }
}
