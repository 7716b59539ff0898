package io.github.tuneqdm.cli;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.PrintWriter;
import java.util.Optional;
import picocli.CommandLine;

/** What an exception means to the user and to the shell: one message and an exit status. */
final class Failures {
  /** Status of a failure that no one foresaw: ours to mend, not the user's. */
  static final int UNFORESEEN = 1;

  private static final int DEEPEST_CAUSE = 50;

  private Failures() {}

  static int report(Exception failure, CommandLine command, boolean debug) {
    PrintWriter err = command.getErr();
    Optional<TuneQdmException> foreseen = inside(failure);
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

  /** Spark wraps what a task threw in exceptions of its own; ours is somewhere down the chain. */
  static Optional<TuneQdmException> inside(Throwable failure) {
    Throwable current = failure;
    for (int depth = 0; current != null && depth < DEEPEST_CAUSE; depth++) {
      if (current instanceof TuneQdmException foreseen) {
        return Optional.of(foreseen);
      }
      current = current.getCause();
    }
    return Optional.empty();
  }
}
