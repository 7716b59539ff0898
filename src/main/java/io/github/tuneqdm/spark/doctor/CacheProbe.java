package io.github.tuneqdm.spark.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Folders on this machine's disk that jobs fill by themselves. */
public final class CacheProbe {
  private static final double GIBI = 1 << 30;

  private CacheProbe() {}

  /**
   * @param check the folder's name in the table
   * @param variable the environment variable that moves it
   * @param needed bytes that a job may want to put there
   */
  public static Finding of(String check, Path folder, String variable, long needed) {
    try {
      Files.createDirectories(folder);
      Files.delete(Files.createTempFile(folder, "doctor-", ".tmp"));
      long free = Files.getFileStore(folder).getUsableSpace();
      String found = String.format(Locale.ROOT, "%s: %.1f GiB free", folder, free / GIBI);
      return free >= needed
          ? Finding.ok(check, found)
          : Finding.fail(
              check,
              found,
              String.format(
                  Locale.ROOT,
                  "free %.1f GiB there, or let %s name a folder on another disk",
                  needed / GIBI,
                  variable));
    } catch (IOException e) {
      return Finding.fail(
          check,
          "%s cannot be written: %s".formatted(folder, e),
          "give this user the right to write there, or let %s name another folder"
              .formatted(variable));
    }
  }
}
