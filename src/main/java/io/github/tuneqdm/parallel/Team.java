package io.github.tuneqdm.parallel;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.function.IntConsumer;

/**
 * Threads that divide the items of a batch among themselves, the caller's thread being one of them.
 * How a batch is divided depends on the numbers of threads and items alone.
 */
public final class Team implements AutoCloseable {
  private final int threads;
  private final IntConsumer useThreads;
  private final ExecutorService others = Executors.newCachedThreadPool(Threads::daemon);

  /** What one thread does with its items. */
  @FunctionalInterface
  public interface Work<T> {
    T of(int from, int count);
  }

  /**
   * @param threads of the whole team
   * @param useThreads called in each thread of the team with the number that it may use by itself,
   *     and in the caller's with all when the others are done
   */
  public Team(int threads, IntConsumer useThreads) {
    this.threads = threads;
    this.useThreads = useThreads;
  }

  /**
   * Does the work on all items; results in the items' order. When this returns or throws, no thread
   * is at work any more; what the first part that fails throws is thrown.
   */
  public <T> List<T> divide(int items, Work<T> work) {
    int parts = Math.min(threads, items);
    if (parts <= 1) {
      return List.of(work.of(0, items));
    }
    List<Future<T>> running = new ArrayList<>();
    FutureTask<T> own = part(0, parts, items, work);
    running.add(own);
    for (int i = 1; i < parts; i++) {
      FutureTask<T> part = part(i, parts, items, work);
      others.execute(part);
      running.add(part);
    }
    own.run();
    return ended(running);
  }

  private <T> FutureTask<T> part(int part, int parts, int items, Work<T> work) {
    int from = part * items / parts;
    int to = (part + 1) * items / parts;
    return new FutureTask<>(
        () -> {
          useThreads.accept(threads / parts);
          return work.of(from, to - from);
        });
  }

  private <T> List<T> ended(List<Future<T>> parts) {
    List<T> results = new ArrayList<>();
    Throwable failure = null;
    for (Future<T> part : parts) {
      try {
        results.add(Threads.uninterrupted(part::get));
      } catch (ExecutionException e) {
        failure = failure == null ? e.getCause() : failure;
      }
    }
    useThreads.accept(threads);
    if (failure != null) {
      throw Threads.unchecked(failure);
    }
    return results;
  }

  @Override
  public void close() {
    others.shutdown();
  }
}
