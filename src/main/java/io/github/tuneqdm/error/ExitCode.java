package io.github.tuneqdm.error;

/** What a command's exit status tells the scheduler that started it. */
public enum ExitCode {
  DONE(0),
  USAGE(2),
  INPUT_DATA(3),
  SOME_SUBJECTS_FAILED(4),
  ALL_SUBJECTS_FAILED(5),
  ENVIRONMENT(6);

  private final int status;

  ExitCode(int status) {
    this.status = status;
  }

  public int status() {
    return status;
  }
}
