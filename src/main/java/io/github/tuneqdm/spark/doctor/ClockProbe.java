package io.github.tuneqdm.spark.doctor;

import java.util.Locale;

/** Compares a clock with another that was read around the same moment. */
public final class ClockProbe {
  private static final long NOTICEABLE_MILLIS = 2_000;
  private static final long BAD_MILLIS = 60_000;

  private ClockProbe() {}

  /**
   * @param what the other clock
   * @param before own time before the other was read
   * @param after own time after
   * @param other its time, in milliseconds since 1970 like the others
   * @param grain it counts in steps of so many milliseconds, rounding down
   */
  public static Finding of(String what, long before, long after, long other, long grain) {
    long early = before - (other + grain);
    long late = other - after;
    long skew = Math.max(0, Math.max(early, late));
    String found =
        skew == 0
            ? "agrees with " + what
            : String.format(
                Locale.ROOT,
                "%s is %.1f s %s",
                what,
                skew / 1000.0,
                early > late ? "behind" : "ahead");
    String remedy = "let both machines follow the same time server (chrony, systemd-timesyncd)";
    if (skew > BAD_MILLIS) {
      return Finding.fail("clock", found, remedy);
    }
    return skew > NOTICEABLE_MILLIS
        ? Finding.warn("clock", found, remedy)
        : Finding.ok("clock", found);
  }
}
