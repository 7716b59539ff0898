package io.github.tuneqdm.parallel;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * Values that a few threads compute a bounded stretch ahead of the one thread that takes them, in
 * the order of their inputs. What a computation throws is thrown to the taker in its value's place.
 */
public final class Ahead<T> implements AutoCloseable {
  private static final int MOST_THREADS = 8;

  /** A value on its way, and how much of the budget it takes. */
  private record Pending<T>(Future<T> value, long weight) {}

  private final ExecutorService workers = Executors.newFixedThreadPool(threads(), Threads::daemon);
  private final Deque<Pending<T>> pending = new ArrayDeque<>();
  private final Runnable refill;
  private long weighed;

  /**
   * @param budget the sum of weights that may be on its way; one value always may
   */
  private <S> Ahead(
      Iterator<S> inputs, Function<S, T> work, ToLongFunction<S> weight, long budget) {
    this.refill =
        () -> {
          while (inputs.hasNext() && (pending.isEmpty() || weighed < budget)) {
            S input = inputs.next();
            long own = weight.applyAsLong(input);
            weighed += own;
            pending.add(new Pending<>(workers.submit(() -> work.apply(input)), own));
          }
        };
    refill.run();
  }

  /**
   * Starts on the first inputs.
   *
   * @param weight of an input's value, such as its bytes
   * @param budget so much weight on its way, and no further input is begun
   */
  public static <S, T> Ahead<T> weighed(
      List<S> inputs, Function<S, T> work, ToLongFunction<S> weight, long budget) {
    return new Ahead<>(inputs.iterator(), work, weight, budget);
  }

  /** As {@link #weighed}, at most {@code values} at a time. */
  public static <S, T> Ahead<T> counted(List<S> inputs, Function<S, T> work, int values) {
    return weighed(inputs, work, input -> 1, values);
  }

  /** All values at once, in order; what the first input that fails throws is thrown. */
  public static <S, T> List<T> all(List<S> inputs, Function<S, T> work) {
    try (Ahead<T> ahead = counted(inputs, work, inputs.size())) {
      return inputs.stream().map(input -> ahead.next()).toList();
    }
  }

  /** The cores that there are, but no crowd: such work soon waits for memory. */
  private static int threads() {
    return Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors());
  }

  /** Waits for the next input's value. */
  public T next() {
    if (pending.isEmpty()) {
      throw new NoSuchElementException("all inputs are taken");
    }
    Pending<T> first = pending.remove();
    try {
      return Threads.uninterrupted(first.value::get);
    } catch (ExecutionException e) {
      throw Threads.unchecked(e.getCause());
    } finally {
      weighed -= first.weight;
      refill.run();
    }
  }

  /** Drops what was not taken; when this returns, nothing is computed any more. */
  @Override
  public void close() {
    workers.shutdownNow();
    Threads.join(workers);
  }
}
