package io.github.tuneqdm.spark;

import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/**
 * One task at a time on each device of this JVM, whatever Spark was told. The engine's threads
 * belong to the whole JVM, and a device's memory to one training, so two tasks side by side would
 * take each other's cores and memory.
 */
final class EngineSeats {
  // Tasks of one executor share nothing but the JVM: the seats can live nowhere else.
  private static final Set<OptionalInt> TAKEN = new HashSet<>();

  private EngineSeats() {}

  /** What is done on a device: the number of a GPU, or nothing for the CPU. */
  @FunctionalInterface
  interface Work<R> {
    R on(OptionalInt gpu) throws Exception;
  }

  /** Waits until one of the devices is free and works there. */
  static <R> R occupy(List<OptionalInt> devices, Work<R> work) throws Exception {
    OptionalInt seat = take(devices);
    try {
      return work.on(seat);
    } finally {
      synchronized (TAKEN) {
        TAKEN.remove(seat);
        TAKEN.notifyAll();
      }
    }
  }

  private static OptionalInt take(List<OptionalInt> devices) throws InterruptedException {
    synchronized (TAKEN) {
      while (true) {
        for (OptionalInt device : devices) {
          if (TAKEN.add(device)) {
            return device;
          }
        }
        TAKEN.wait();
      }
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
