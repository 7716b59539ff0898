package io.github.tuneqdm.cli;

import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** Reads command lines as the jar does, without running them. */
public final class CommandLines {
  private CommandLines() {}

  /** What the jar has against a command and its options; empty where it knows them all. */
  public static String complaint(List<String> arguments) {
    try {
      new CommandLine(new Main()).parseArgs(arguments.toArray(String[]::new));
      return "";
    } catch (ParameterException e) {
      return e.getMessage();
    }
  }
}
