package io.github.tuneqdm.parallel;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;

/**
 * Does jobs one after the other on a thread of its own, while the one who gives them goes on. After
 * a job that failed no other is begun, and what it threw is thrown to the giver at the next
 * occasion, at the latest by {@link #close}.
 */
public final class Background implements AutoCloseable {
  private final ExecutorService worker = Executors.newSingleThreadExecutor(Threads::daemon);
  private final Semaphore places;
  private volatile Throwable failure;
  private boolean told;

  /**
   * @param most jobs begun or waiting; the giver of one more waits
   */
  public Background(int most) {
    this.places = new Semaphore(most);
  }

  /** Takes a job on. */
  public void run(Runnable job) {
    places.acquireUninterruptibly();
    throwFailure();
    worker.execute(() -> attempt(job));
  }

  private void attempt(Runnable job) {
    try {
      if (failure == null) {
        job.run();
      }
    } catch (RuntimeException | Error e) {
      failure = e;
    } finally {
      places.release();
    }
  }

  private void throwFailure() {
    if (failure != null && !told) {
      told = true; // a failure that is thrown twice would suppress itself
      throw Threads.unchecked(failure);
    }
  }

  /** Waits for all jobs. */
  @Override
  public void close() {
    worker.shutdown();
    Threads.join(worker);
    throwFailure();
  }
}
