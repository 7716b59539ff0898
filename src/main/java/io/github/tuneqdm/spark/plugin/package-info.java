/**
 * What runs beside the tasks in each JVM of an application, through Spark's plugin interface: ends
 * executors that can do no more work, and gathers figures for Spark's metrics system. Imports
 * nothing of the jobs. Start reading at {@link io.github.tuneqdm.spark.plugin.TuneQdmPlugin}.
 */
package io.github.tuneqdm.spark.plugin;
