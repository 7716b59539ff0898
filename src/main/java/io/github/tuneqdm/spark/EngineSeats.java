package io.github.tuneqdm.spark;

import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;

/**
 * One task at a time on each device of this JVM. The engine's threads and its gradient mode belong
 * to the whole JVM, so two tasks side by side would take each other's cores and memory.
 */
final class EngineSeats {
  private static final String CPU = "cpu";

  // Tasks of one executor share nothing but the JVM: the seats can live nowhere else.
  private static final Map<String, Semaphore> SEATS = new ConcurrentHashMap<>();

  private EngineSeats() {}

  static <R> R occupy(TaskEnvironment environment, Callable<R> work) throws Exception {
    String device = environment.gpu().isPresent() ? "gpu" + environment.gpu().getAsInt() : CPU;
    Semaphore seat = SEATS.computeIfAbsent(device, d -> new Semaphore(1, true));
    seat.acquire();
    try {
      return work.call();
    } finally {
      seat.release();
    }
  }

  /**
   * Settings that the engine reads once, when it starts in this JVM. What the user set stays.
   *
   * @param threads of one operation on CPU; sums depend on it, so it is part of a run's plan
   */
  static void prepare(int threads) {
    setIfAbsent("ai.djl.offline", "true");
    setIfAbsent("OPT_OUT_TRACKING", "true");
    setIfAbsent("ai.djl.pytorch.num_threads", Integer.toString(threads));
    setIfAbsent("ai.djl.pytorch.num_interop_threads", "1");
  }

  private static void setIfAbsent(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }
}
