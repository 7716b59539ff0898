package io.github.tuneqdm.bench;

import java.util.Arrays;

/** Wall-clock milliseconds of equal pieces of work. */
public record Timings(double median, double min, double max) {

  /** Work that ends when its results have reached the host. */
  @FunctionalInterface
  interface Work {
    void run();
  }

  /**
   * Times {@code sections} runs, each divided by {@code parts}.
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
    return of(millis);
  }

  /** The figures of so many pieces. */
  static Timings of(double[] each) {
    double[] millis = each.clone();
    int sections = millis.length;
    Arrays.sort(millis);
    double median = (millis[(sections - 1) / 2] + millis[sections / 2]) / 2;
    return new Timings(median, millis[0], millis[sections - 1]);
  }

  /** {@code pieces} of something, done in each piece of work, in a second. */
  double perSecond(double pieces) {
    return 1000 * pieces / median;
  }
}
