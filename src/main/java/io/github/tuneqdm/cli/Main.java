package io.github.tuneqdm.cli;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The one main class of the jar: {@code spark-submit tuneqdm-spark.jar <command> [options]}. */
@Command(
    name = "tuneqdm-spark",
    description = "Fine-tunes quantised diffusion models for many subjects at once.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      QuantizeBaseCommand.class,
      TrainAllSubjectsCommand.class,
      EvaluateCommand.class,
      StudyCommand.class,
      ScoreImagesCommand.class,
      InspectCommand.class,
      VerifyModelCommand.class,
      BenchCommand.class,
      DoctorCommand.class
    },
    versionProvider = Main.Version.class,
    footer = "Each command's --help has examples.")
public final class Main {
  private static final Map<String, String> EXIT_STATUS = exitStatus();

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

  Main() {}

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
    describeExitStatus(commandLine);
    return commandLine.execute(args);
  }

  private static Map<String, String> exitStatus() {
    Map<String, String> meaning = new LinkedHashMap<>();
    meaning.put("0", "done");
    meaning.put("1", "anything unforeseen");
    meaning.put("2", "usage, configuration, a subject's name");
    meaning.put("3", "bad input data: model, base, run, photos");
    meaning.put("4", "some subjects or cells failed; the others are committed");
    meaning.put("5", "all subjects failed");
    meaning.put("6", "environment: storage, engine, device");
    return meaning;
  }

  private static void describeExitStatus(CommandLine command) {
    command
        .getCommandSpec()
        .usageMessage()
        .exitCodeListHeading("%nExit status:%n")
        .exitCodeList(EXIT_STATUS);
    command.getSubcommands().values().forEach(Main::describeExitStatus);
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
