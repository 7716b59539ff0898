package io.github.tuneqdm.spark.plugin;

import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Hears the executors and keeps the application's figures. */
final class DriverSide implements DriverPlugin {
  private static final Logger LOG = LoggerFactory.getLogger(DriverSide.class);

  private final FleetMetrics metrics = new FleetMetrics(System::nanoTime);

  @Override
  public void registerMetrics(String applicationId, PluginContext context) {
    context.metricRegistry().registerAll(metrics);
  }

  /** Messages want no answer. */
  @Override
  public Object receive(Object message) {
    if (message instanceof WorkerFigures figures) {
      metrics.heard(figures);
    } else if (message instanceof ExecutorDown down) {
      metrics.ended();
      LOG.warn(
          "Executor {} on {} has ended itself; its tasks are tried elsewhere: {}",
          down.executor(),
          down.host(),
          down.cause());
    }
    return null;
  }
}
