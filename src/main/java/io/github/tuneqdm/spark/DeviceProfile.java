package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.apache.spark.resource.ExecutorResourceRequests;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.resource.ResourceProfileBuilder;
import org.apache.spark.resource.TaskResourceRequests;

/**
 * What a stage that needs the tensor engine asks of Spark: a whole GPU a task, or all cores of an
 * executor where there are no GPUs. Requests of tasks alone do, since every executor is alike;
 * under dynamic allocation such a profile would start executors without their GPUs, so there it
 * says what its executors have as well.
 */
final class DeviceProfile {
  static final String GPU = "gpu";

  private static final String EXECUTOR_GPU = "spark.executor.resource.gpu.";
  private static final String EXECUTOR_CORES = "spark.executor.cores";

  private DeviceProfile() {}

  /**
   * The profile, or nothing where Spark's own settings do already: a local master knows neither
   * GPUs nor profiles, and there {@link EngineSeats} keeps tasks apart.
   *
   * @param kind {@code tuneqdm.device.kind}
   * @throws TuneQdmException (usage) where GPUs are wanted and executors have none
   */
  static Optional<ResourceProfile> of(SparkConf conf, String kind) {
    String master = conf.get("spark.master");
    if (master.equals("local") || master.startsWith("local[")) {
      return Optional.empty();
    }
    boolean executorsHaveGpus = conf.contains(EXECUTOR_GPU + "amount");
    if (kind.equals("gpu") && !executorsHaveGpus) {
      throw TuneQdmException.usage(
          "Cannot ask Spark for GPUs: spark.executor.resource.gpu.amount is not set (pass --conf"
              + " spark.executor.resource.gpu.amount=1 before --, or set tuneqdm.device.kind = cpu)");
    }
    boolean useGpu = executorsHaveGpus && !kind.equals("cpu");
    TaskResourceRequests task = new TaskResourceRequests();
    if (useGpu) {
      task.resource(GPU, 1);
    } else if (conf.contains(EXECUTOR_CORES)) {
      task.cpus(conf.getInt(EXECUTOR_CORES, 1));
    } else {
      return Optional.empty();
    }
    ResourceProfileBuilder profile = new ResourceProfileBuilder().require(task);
    if (conf.getBoolean("spark.dynamicAllocation.enabled", false)) {
      profile.require(executor(conf, useGpu));
    }
    return Optional.of(profile.build());
  }

  /** An executor as the application's own settings have it. */
  private static ExecutorResourceRequests executor(SparkConf conf, boolean withGpu) {
    ExecutorResourceRequests executor = new ExecutorResourceRequests();
    executor.memory(conf.get("spark.executor.memory", "1g"));
    if (conf.contains(EXECUTOR_CORES)) {
      executor.cores(conf.getInt(EXECUTOR_CORES, 1));
    }
    if (conf.contains("spark.executor.memoryOverhead")) {
      executor.memoryOverhead(conf.get("spark.executor.memoryOverhead"));
    }
    if (conf.getBoolean("spark.memory.offHeap.enabled", false)) {
      long bytes = conf.getSizeAsBytes("spark.memory.offHeap.size");
      executor.offHeapMemory((bytes >> 20) + "m");
    }
    if (withGpu) {
      executor.resource(
          GPU,
          conf.getLong(EXECUTOR_GPU + "amount", 1),
          conf.get(EXECUTOR_GPU + "discoveryScript", ""),
          conf.get(EXECUTOR_GPU + "vendor", ""));
    }
    return executor;
  }
}
