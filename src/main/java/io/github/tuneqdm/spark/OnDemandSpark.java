package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;

/** A Spark application that starts when the first stage needs it: a finished run needs none. */
public final class OnDemandSpark implements AutoCloseable {
  private final String name;
  private final TuneQdmConfig config;
  private volatile SparkApplication application;

  /**
   * @param name shown in Spark's UI
   */
  public OnDemandSpark(String name, TuneQdmConfig config) {
    this.name = name;
    this.config = config;
  }

  synchronized SparkApplication get() {
    if (application == null) {
      application = SparkApplication.open(name, config);
    }
    return application;
  }

  /** Ends what is running, if anything is; whoever waits for it hears of a failure. */
  void cancel() {
    SparkApplication running = application;
    if (running != null) {
      running.cancel();
    }
  }

  @Override
  public void close() {
    if (application != null) {
      application.close();
    }
  }
}
