package io.github.tuneqdm.spark;

/** Whether someone watches: Java cannot ask for one stream alone, so the launcher tells. */
final class Terminal {
  private Terminal() {}

  static boolean isTerminal() {
    return Boolean.getBoolean("tuneqdm.terminal");
  }
}
