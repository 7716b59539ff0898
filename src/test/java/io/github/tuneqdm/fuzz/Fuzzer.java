package io.github.tuneqdm.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Feeds a reader with damaged inputs: whatever it is given, it must return or throw a {@link
 * TuneQdmException} whose message fits a terminal, within bounds of time and memory. Inputs that
 * lead to a message not seen before are kept and damaged further, so that the search goes deeper.
 *
 * <p>The seed is fixed, and so are the inputs of the first so many executions. {@code
 * -Dtuneqdm.fuzz.seconds} and {@code -Dtuneqdm.fuzz.seed} search longer and elsewhere; an input
 * that fails is kept in {@code target/fuzz}.
 */
public final class Fuzzer {
  private static final double SECONDS =
      Double.parseDouble(System.getProperty("tuneqdm.fuzz.seconds", "2"));
  private static final long SEED = Long.getLong("tuneqdm.fuzz.seed", 20261121);
  private static final long HANG_SECONDS = 20;
  private static final long MOST_BYTES = 512L << 20;
  private static final int MOST_KEPT = 2000;
  private static final int LONGEST_MESSAGE = 3000;
  private static final int MOST_FINDINGS = 10;

  /** What is fuzzed. */
  @FunctionalInterface
  public interface Reader {
    void read(byte[] input) throws Exception;
  }

  /** How an input is damaged; structure-aware ones repair what would be refused at once. */
  @FunctionalInterface
  public interface Damage {
    byte[] apply(byte[] input, List<byte[]> others, Mutator mutator);
  }

  private final String name;
  private final Reader reader;
  private final List<Damage> damages;
  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private final ExecutorService worker =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "fuzzed");
            thread.setDaemon(true);
            return thread;
          });

  private final Set<String> outcomes = new HashSet<>();
  private final List<String> findings = new ArrayList<>();
  private long slowest;
  private long hungriest;

  private Fuzzer(String name, Reader reader, List<Damage> damages) {
    this.name = name;
    this.reader = reader;
    this.damages = damages;
  }

  /**
   * Fuzzes for the time that is set and fails with what was found.
   *
   * @param inputs valid ones
   * @param damages chosen among at random, besides damages that know no format
   */
  public static void fuzz(String name, List<byte[]> inputs, Reader reader, Damage... damages) {
    List<Damage> all = new ArrayList<>(Arrays.asList(damages));
    all.add((input, others, mutator) -> mutator.bytes(input, others));
    Fuzzer fuzzer = new Fuzzer(name, reader, all);
    try {
      fuzzer.run(inputs);
    } finally {
      fuzzer.worker.shutdownNow();
    }
    assertThat(fuzzer.findings).as("findings of fuzzing the " + name).isEmpty();
  }

  private void run(List<byte[]> inputs) {
    List<byte[]> pool = new ArrayList<>(inputs);
    inputs.forEach(this::execute);
    SplittableRandom random = new SplittableRandom(SEED);
    Mutator mutator = new Mutator(random);
    long start = System.nanoTime();
    long end = start + (long) (SECONDS * 1e9);
    long executions = 0;
    while (System.nanoTime() < end && findings.size() < MOST_FINDINGS) {
      byte[] input = mutator.any(pool);
      byte[] damaged = mutator.any(damages).apply(input, pool, mutator);
      if (execute(damaged) && pool.size() < MOST_KEPT) {
        pool.add(damaged);
      }
      executions++;
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    System.out.printf(
        "Fuzzed the %s: %d executions in %.0f s (%.0f/s), %d outcomes, slowest %.0f ms, at most"
            + " %.0f MB, %d findings%n",
        name,
        executions,
        seconds,
        executions / seconds,
        outcomes.size(),
        slowest / 1e6,
        hungriest / 1e6,
        findings.size());
  }

  /** Whether the outcome was a new one. */
  private boolean execute(byte[] input) {
    Future<String> outcome = worker.submit(() -> outcome(input));
    try {
      return outcomes.add(outcome.get(HANG_SECONDS, TimeUnit.SECONDS));
    } catch (TimeoutException e) {
      report("hangs", input);
      throw new AssertionError("Fuzzing the %s hangs; see target/fuzz".formatted(name), e);
    } catch (ExecutionException e) {
      report(trace(e.getCause()), input);
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  private String outcome(byte[] input) throws Exception {
    long bytes = threads.getCurrentThreadAllocatedBytes();
    long time = System.nanoTime();
    String outcome;
    try {
      reader.read(input);
      outcome = "accepted";
    } catch (TuneQdmException e) {
      requireReadable(e.getMessage());
      outcome = e.getMessage().replaceAll("'[^']*'|\"[^\"]*\"|[0-9]+", "*");
    }
    slowest = Math.max(slowest, System.nanoTime() - time);
    long taken = threads.getCurrentThreadAllocatedBytes() - bytes;
    hungriest = Math.max(hungriest, taken);
    if (taken > MOST_BYTES) {
      throw new AssertionError("takes %d bytes of memory".formatted(taken));
    }
    return outcome;
  }

  private static void requireReadable(String message) {
    assertThat(message.length()).isLessThan(LONGEST_MESSAGE);
    assertThat(message)
        .matches("(?s)(Cannot|Unknown key) .*")
        .doesNotContainPattern("[\\x00-\\x08\\n\\x1b]");
    assertThat(message).doesNotContain("Exception:", "io.github.tuneqdm");
  }

  private static String trace(Throwable failure) {
    StringBuilder text = new StringBuilder(String.valueOf(failure));
    Arrays.stream(failure.getStackTrace())
        .limit(12)
        .forEach(at -> text.append("\n    ").append(at));
    return text.toString();
  }

  private void report(String what, byte[] input) {
    try {
      Path folder = Files.createDirectories(Path.of("target", "fuzz"));
      Path kept = folder.resolve(name.replace(' ', '-') + "-" + Arrays.hashCode(input));
      Files.write(kept, input);
      findings.add(kept + ": " + what);
      System.out.println("FINDING " + kept + ": " + what);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
