package io.github.tuneqdm.spark;

/**
 * A run whose plan is published.
 *
 * @param baseFolder of the quantised base
 * @param batches read as they are taken
 */
record PlannedRun(RunPlan plan, RunFolder run, String baseFolder, Batches batches)
    implements AutoCloseable {
  @Override
  public void close() {
    batches.close();
  }
}
