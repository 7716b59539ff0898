package io.github.tuneqdm.error;

import java.util.Optional;

/**
 * A failure that a user can mend. The message is the whole message: what cannot be done, where, why
 * and how to mend it, such as {@code Cannot read unet/config.json: not valid JSON (line 3)}. It may
 * quote strangers: whatever a terminal must not see is escaped, and it stays one line.
 */
public final class TuneQdmException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int DEEPEST_CAUSE = 50;

  private final ExitCode exitCode;

  private TuneQdmException(ExitCode exitCode, String message, Throwable cause) {
    super(Printable.of(message), cause);
    this.exitCode = exitCode;
  }

  /** Bad command line, configuration, bit-width or subject name. */
  public static TuneQdmException usage(String message) {
    return new TuneQdmException(ExitCode.USAGE, message, null);
  }

  /** Bad model folder, checkpoint, photo or table. */
  public static TuneQdmException inputData(String message) {
    return new TuneQdmException(ExitCode.INPUT_DATA, message, null);
  }

  public static TuneQdmException inputData(String message, Throwable cause) {
    return new TuneQdmException(ExitCode.INPUT_DATA, message, cause);
  }

  /** Storage that cannot be reached or is full, an engine that does not start, a lost GPU. */
  public static TuneQdmException environment(String message) {
    return new TuneQdmException(ExitCode.ENVIRONMENT, message, null);
  }

  public static TuneQdmException environment(String message, Throwable cause) {
    return new TuneQdmException(ExitCode.ENVIRONMENT, message, cause);
  }

  /** The failure itself, or the one that others wrapped: Spark does, several times over. */
  public static Optional<TuneQdmException> inside(Throwable failure) {
    Throwable current = failure;
    for (int depth = 0; current != null && depth < DEEPEST_CAUSE; depth++) {
      if (current instanceof TuneQdmException foreseen) {
        return Optional.of(foreseen);
      }
      current = current.getCause();
    }
    return Optional.empty();
  }

  public ExitCode exitCode() {
    return exitCode;
  }
}
