/**
 * The jobs, one class each: plan, bounded fan-out over Spark, commit, immutable result. May import
 * every other package but {@code cli}; nothing but {@code cli} imports this one. Start reading at
 * {@link io.github.tuneqdm.spark.TrainAllSubjectsJob}, then {@link
 * io.github.tuneqdm.spark.SparkApplication}.
 */
package io.github.tuneqdm.spark;
