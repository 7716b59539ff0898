package io.github.tuneqdm.spark.plugin;

import java.io.Serializable;

/** The last word of an executor that ends itself. */
record ExecutorDown(String executor, String host, String cause) implements Serializable {}
