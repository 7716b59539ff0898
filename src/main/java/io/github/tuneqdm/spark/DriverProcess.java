package io.github.tuneqdm.spark;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.UUID;

/**
 * The process that drives a job, described so that another one can tell whether it still lives.
 *
 * @param token unique to a driver, even within one process
 * @param user whose process it is
 * @param processSpace the machine's boot and the process namespace in which {@code pid} means it;
 *     empty where that is not known
 * @param startTicks when it started, since the boot: process ids are used again
 * @param started when it became a driver
 */
record DriverProcess(
    String token,
    String host,
    String user,
    String processSpace,
    long pid,
    String startTicks,
    String started) {
  private static final Path PROC = Path.of("/proc");
  private static final int STATE = 0; // the fields of /proc/PID/stat after the name, see proc(5)
  private static final int START_TICKS = 19;

  /** What is known of a process. */
  enum Life {
    ALIVE,
    DEAD,
    UNKNOWN
  }

  static DriverProcess current() {
    return of(ProcessHandle.current().pid());
  }

  /** A driver that runs, or will run, in a process of this user's on this machine. */
  static DriverProcess of(long pid) {
    return new DriverProcess(
        UUID.randomUUID().toString(),
        hostName(),
        System.getProperty("user.name"),
        processSpaceHere(),
        pid,
        startTicks(pid),
        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
  }

  /** Whether the process lives, as far as it can be seen from here. */
  Life life() {
    boolean visible =
        !processSpace.isEmpty()
            && processSpace.equals(processSpaceHere())
            && user.equals(System.getProperty("user.name"));
    if (!visible) {
      return Life.UNKNOWN;
    }
    return !startTicks.isEmpty() && startTicks.equals(startTicks(pid)) ? Life.ALIVE : Life.DEAD;
  }

  String describe() {
    return "process %d of %s on %s, which started at %s".formatted(pid, user, host, started);
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "a host without a name";
    }
  }

  private static String processSpaceHere() {
    try {
      String boot = Files.readString(PROC.resolve("sys/kernel/random/boot_id")).strip();
      return boot + " " + Files.readSymbolicLink(PROC.resolve("self/ns/pid"));
    } catch (IOException | UnsupportedOperationException e) {
      return ""; // not Linux, or /proc is hidden
    }
  }

  /** Empty where there is no such process, or only what its parent has not yet collected. */
  private static String startTicks(long pid) {
    try {
      byte[] bytes = Files.readAllBytes(PROC.resolve(pid + "/stat"));
      String stat = new String(bytes, StandardCharsets.ISO_8859_1);
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
      return fields[STATE].equals("Z") ? "" : fields[START_TICKS];
    } catch (IOException e) {
      return "";
    }
  }
}
