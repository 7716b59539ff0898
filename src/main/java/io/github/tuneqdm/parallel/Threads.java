package io.github.tuneqdm.parallel;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;

/** Waiting as plain computing waits: an interrupt is kept for whoever asks for it later. */
final class Threads {
  private Threads() {}

  /** Something that waits. */
  @FunctionalInterface
  interface Wait<T> {
    T end() throws InterruptedException, ExecutionException;
  }

  static <T> T uninterrupted(Wait<T> wait) throws ExecutionException {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return wait.end();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Waits until all threads of {@code workers}, which was shut down, have ended. */
  static void join(ExecutorService workers) {
    try {
      uninterrupted(() -> workers.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS));
    } catch (ExecutionException e) {
      throw unchecked(e.getCause());
    }
  }

  /** The failure itself, ready to be thrown. */
  static RuntimeException unchecked(Throwable failure) {
    if (failure instanceof Error error) {
      throw error;
    }
    return (RuntimeException) failure;
  }

  /** A thread that keeps no JVM alive. */
  static Thread daemon(Runnable work) {
    Thread thread = new Thread(work, "tuneqdm-host-work");
    thread.setDaemon(true);
    return thread;
  }
}
