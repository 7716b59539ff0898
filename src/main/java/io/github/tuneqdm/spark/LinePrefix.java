package io.github.tuneqdm.spark;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Passes whole lines on, each behind a name, so that jobs side by side can share a terminal. */
final class LinePrefix extends OutputStream {
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();
  private final String prefix;
  private final PrintStream out;

  private LinePrefix(String prefix, PrintStream out) {
    this.prefix = prefix;
    this.out = out;
  }

  static PrintStream of(String prefix, PrintStream out) {
    return new PrintStream(new LinePrefix(prefix, out), true, StandardCharsets.UTF_8);
  }

  @Override
  public synchronized void write(int b) {
    if (b == '\n') {
      out.println(prefix + line.toString(StandardCharsets.UTF_8));
      line.reset();
    } else if (b != '\r') {
      line.write(b);
    }
  }
}
