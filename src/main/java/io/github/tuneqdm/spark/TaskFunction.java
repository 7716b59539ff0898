package io.github.tuneqdm.spark;

import java.io.Serializable;

/**
 * What one task of a stage does. Runs on an executor, perhaps more than once: whatever it publishes
 * must be idempotent.
 */
@FunctionalInterface
interface TaskFunction<T, R> extends Serializable {
  R apply(T input, TaskEnvironment environment) throws Exception;
}
