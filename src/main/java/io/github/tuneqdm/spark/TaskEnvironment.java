package io.github.tuneqdm.spark;

import java.util.OptionalInt;
import org.apache.hadoop.conf.Configuration;

/**
 * What a task may use.
 *
 * @param hadoop settings of the storage, the driver's included
 * @param gpu index of the GPU that Spark gave this task, if it gave one
 */
record TaskEnvironment(Configuration hadoop, OptionalInt gpu) {}
