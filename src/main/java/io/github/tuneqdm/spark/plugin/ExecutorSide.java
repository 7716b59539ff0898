package io.github.tuneqdm.spark.plugin;

import io.github.tuneqdm.tensor.BrokenEngine;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.spark.ExceptionFailure;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskFailedReason;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends this executor's process on purpose when a task met a failure that no later task here could
 * escape, so that Spark tries the task in a fresh process; and tells the driver this JVM's figures.
 */
final class ExecutorSide implements ExecutorPlugin {
  private static final Logger LOG = LoggerFactory.getLogger(ExecutorSide.class);

  /** Of an executor that ended itself: tells it from a crash in the cluster manager's pages. */
  static final int EXIT_STATUS = 86;

  private static final long REPORT_MILLIS = 2_000;

  /** Messages leave on a thread of their own: so long they have before the process ends. */
  private static final long FAREWELL_MILLIS = 500;

  /** A local master's only executor lives in the driver, which must live. */
  private static final String DRIVER = "driver";

  private final WorkerMetrics metrics = WorkerMetrics.ofThisJvm();
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "tuneqdm-figures");
            thread.setDaemon(true);
            return thread;
          });

  private PluginContext context;

  @Override
  public void init(PluginContext pluginContext, Map<String, String> fromDriver) {
    this.context = pluginContext;
    metrics.reset();
    if (!isDriver()) { // there the driver's own figures say the same
      context.metricRegistry().registerAll(metrics);
    }
    clock.scheduleWithFixedDelay(this::report, REPORT_MILLIS, REPORT_MILLIS, TimeUnit.MILLISECONDS);
  }

  @Override
  public void onTaskSucceeded() {
    report();
  }

  @Override
  public void onTaskFailed(TaskFailedReason reason) {
    report();
    if (reason instanceof ExceptionFailure failure && isBroken(failure)) {
      endProcess(failure.description().lines().findFirst().orElse(failure.className()));
    }
  }

  private static boolean isBroken(ExceptionFailure failure) {
    return failure.exception().isDefined()
        ? BrokenEngine.isBehind(failure.exception().get())
        : BrokenEngine.saysSo(failure.description());
  }

  /** Halts without shutdown hooks: those of a wedged GPU's libraries may never return. */
  private void endProcess(String cause) {
    if (isDriver()) {
      return;
    }
    LOG.error("This executor ends, so that its task is tried in a fresh process: {}", cause);
    // The context's own host name fails on executors, which have no RPC address.
    String host = SparkEnv.get().blockManager().blockManagerId().host();
    try {
      context.send(new ExecutorDown(context.executorID(), host, cause));
      Thread.sleep(FAREWELL_MILLIS);
    } catch (IOException | RuntimeException e) {
      LOG.warn("The driver could not be told", e);
    } catch (InterruptedException e) {
      LOG.debug("The task was killed while its executor ended", e);
    }
    Runtime.getRuntime().halt(EXIT_STATUS);
  }

  private boolean isDriver() {
    return context.executorID().equals(DRIVER);
  }

  private void report() {
    try {
      context.send(metrics.figures(context.executorID()));
    } catch (IOException | RuntimeException e) {
      LOG.debug("The driver could not be told this executor's figures", e);
    }
  }

  @Override
  public void shutdown() {
    clock.shutdownNow();
  }
}
