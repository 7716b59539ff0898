package io.github.tuneqdm.cli;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.PrintWriter;
import java.util.Optional;
import picocli.CommandLine;

/** What an exception means to the user and to the shell: one message and an exit status. */
final class Failures {
  /** Status of a failure that no one foresaw: ours to mend, not the user's. */
  static final int UNFORESEEN = 1;

  private Failures() {}

  static int report(Exception failure, CommandLine command, boolean debug) {
    PrintWriter err = command.getErr();
    Optional<TuneQdmException> foreseen = TuneQdmException.inside(failure);
    err.println(
        foreseen
            .map(Throwable::getMessage)
            .orElseGet(
                () ->
                    "Cannot finish "
                        + command.getCommandName()
                        + ": "
                        + firstLine(failure)
                        + (debug ? "" : " (--debug shows where)")));
    if (debug) {
      failure.printStackTrace(err);
    }
    err.flush();
    return foreseen.map(e -> e.exitCode().status()).orElse(UNFORESEEN);
  }

  /** Spark's messages go on for pages. */
  private static String firstLine(Exception failure) {
    return failure.toString().lines().findFirst().orElse("");
  }
}
