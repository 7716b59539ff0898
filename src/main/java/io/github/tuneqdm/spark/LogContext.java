package io.github.tuneqdm.spark;

import java.util.Collection;
import java.util.concurrent.Callable;
import org.slf4j.MDC;

/**
 * Which run and which subjects a thread is at work on: its log lines carry them as {@code run} and
 * {@code subject}, see {@code conf/log4j2.properties}.
 */
final class LogContext {
  private static final String RUN = "run";
  private static final String SUBJECT = "subject";

  private LogContext() {}

  /** This thread works on a run from now on. */
  static void run(String id) {
    MDC.put(RUN, id);
  }

  /** The run that this thread works on; empty where there is none. */
  static String run() {
    String run = MDC.get(RUN);
    return run == null ? "" : run;
  }

  /** This thread works on these subjects from now on. */
  static void subjects(Collection<String> names) {
    MDC.put(SUBJECT, String.join(",", names));
  }

  static void subject(String name) {
    MDC.put(SUBJECT, name);
  }

  /** Does a task's work as part of a run, and leaves the thread as it was. */
  static <R> R around(String run, Callable<R> work) throws Exception {
    String before = run();
    set(run);
    try {
      return work.call();
    } finally {
      set(before);
      MDC.remove(SUBJECT);
    }
  }

  private static void set(String run) {
    if (run.isEmpty()) {
      MDC.remove(RUN);
    } else {
      MDC.put(RUN, run);
    }
  }
}
