package io.github.tuneqdm.spark;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Says how training goes: one line that is drawn over and over on a terminal, a plain line every
 * half minute elsewhere.
 */
final class ProgressLine implements AutoCloseable {
  private static final long TERMINAL_MILLIS = 1_000;
  private static final long PLAIN_MILLIS = 30_000;
  private static final String ERASE_LINE = "\r\u001b[2K";

  private final PrintStream out;
  private final boolean terminal;
  private final LongSupplier nanoTime;
  private final Map<Integer, Integer> subjectsOfBatch;
  private final int steps;
  private final long start;
  private final Map<Integer, BatchProgress> latest = new TreeMap<>();
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "progress");
            thread.setDaemon(true);
            return thread;
          });

  private String shown = "";

  /**
   * @param subjectsOfBatch how many subjects each batch has
   * @param steps of each batch
   * @param nanoTime {@code System::nanoTime}
   */
  ProgressLine(
      PrintStream out,
      boolean terminal,
      Map<Integer, Integer> subjectsOfBatch,
      int steps,
      LongSupplier nanoTime) {
    this.out = out;
    this.terminal = terminal;
    this.nanoTime = nanoTime;
    this.subjectsOfBatch = Map.copyOf(subjectsOfBatch);
    this.steps = steps;
    this.start = nanoTime.getAsLong();
  }

  /** Draws by itself from now on, until closed. */
  ProgressLine running() {
    long period = terminal ? TERMINAL_MILLIS : PLAIN_MILLIS;
    clock.scheduleAtFixedRate(this::draw, period, period, TimeUnit.MILLISECONDS);
    return this;
  }

  /** Takes a batch's latest news; a batch that was started again begins anew. */
  synchronized void update(BatchProgress progress) {
    latest.put(progress.batch(), progress);
  }

  synchronized String text() {
    int subjects = subjectsOfBatch.values().stream().mapToInt(Integer::intValue).sum();
    int done =
        latest.values().stream()
            .filter(batch -> batch.step() >= steps)
            .mapToInt(batch -> subjectsOfBatch.get(batch.batch()))
            .sum();
    if (latest.isEmpty()) {
      return "0/" + subjects + " subjects · preparing";
    }
    long stepsDone = latest.values().stream().mapToLong(BatchProgress::step).sum();
    long stepsToDo = (long) steps * subjectsOfBatch.size();
    double loss = latest.values().stream().mapToDouble(BatchProgress::meanLoss).average().orElse(0);
    double seconds = Math.max(1e-3, (nanoTime.getAsLong() - start) * 1e-9);
    double rate = stepsDone / seconds;
    String eta = rate > 0 ? clockTime((stepsToDo - stepsDone) / rate) : "?";
    return String.format(
        java.util.Locale.ROOT,
        "%d/%d subjects · step %d/%d · loss %.4f · %.2f steps/s · ETA %s",
        done,
        subjects,
        stepsDone,
        stepsToDo,
        loss,
        rate,
        eta);
  }

  private static String clockTime(double seconds) {
    Duration time = Duration.ofSeconds(Math.round(seconds));
    return time.toHours() > 0
        ? "%d:%02d:%02d".formatted(time.toHours(), time.toMinutesPart(), time.toSecondsPart())
        : "%d:%02d".formatted(time.toMinutes(), time.toSecondsPart());
  }

  synchronized void draw() {
    String text = text();
    if (text.equals(shown)) {
      return;
    }
    shown = text;
    if (terminal) {
      out.print(ERASE_LINE + text);
      out.flush();
    } else {
      out.println(text);
    }
  }

  @Override
  public void close() {
    clock.shutdownNow();
    draw();
    if (terminal) {
      out.println();
    }
  }
}
