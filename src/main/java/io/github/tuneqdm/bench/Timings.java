package io.github.tuneqdm.bench;

import java.util.Arrays;

/** Wall-clock times of equal pieces of work. */
record Timings(double median, double min, double max) {

  /** Work that ends when its results have reached the host. */
  @FunctionalInterface
  interface Work {
    void run();
  }

  /**
   * Times {@code sections} runs in milliseconds, each divided by {@code parts}.
   *
   * @param parts equal pieces of work in a run
   */
  static Timings of(int sections, int parts, Work section) {
    double[] millis = new double[sections];
    for (int i = 0; i < sections; i++) {
      long start = System.nanoTime();
      section.run();
      millis[i] = (System.nanoTime() - start) / 1e6 / parts;
    }
    Arrays.sort(millis);
    double median = (millis[(sections - 1) / 2] + millis[sections / 2]) / 2;
    return new Timings(median, millis[0], millis[sections - 1]);
  }
}
