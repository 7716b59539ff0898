package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.StorageDefaults;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.apache.spark.resource.ResourceInformation;
import org.apache.spark.resource.ResourceProfileBuilder;
import org.apache.spark.resource.TaskResourceRequests;
import org.apache.spark.util.SerializableConfiguration;

/**
 * A running Spark application that fans work out, a task an input. Needs nothing of Spark but its
 * scheduler: results that matter are published by the tasks, what comes back is small.
 */
public final class SparkApplication implements AutoCloseable {
  private static final String DEFAULT_MASTER = "local[*]";

  // Progress travels with heartbeats. A shorter interval would also be a shorter timeout for them.
  private static final String HEARTBEAT = "2s";

  // OpenMP threads that wait longer sleep: left to spin, they starve the executor beside them.
  private static final String SPINS = "10000";

  private final JavaSparkContext context;
  private final TuneQdmConfig config;

  private SparkApplication(JavaSparkContext context, TuneQdmConfig config) {
    this.context = context;
    this.config = config;
  }

  /**
   * Starts the application; master and all else come from spark-submit.
   *
   * @param name shown in Spark's UI
   */
  public static SparkApplication open(String name, TuneQdmConfig config) {
    SparkConf conf =
        new SparkConf()
            .setAppName("TuneQDM " + name)
            .setIfMissing("spark.master", DEFAULT_MASTER)
            .setIfMissing("spark.executor.heartbeatInterval", HEARTBEAT)
            .setIfMissing("spark.executorEnv.OPT_OUT_TRACKING", "true")
            .setIfMissing("spark.executorEnv.GOMP_SPINCOUNT", SPINS);
    try {
      return new SparkApplication(new JavaSparkContext(SparkContext.getOrCreate(conf)), config);
    } catch (RuntimeException e) {
      throw TuneQdmException.environment(
          "Cannot start Spark on " + conf.get("spark.master") + ": " + e.getMessage(), e);
    }
  }

  /** Storage settings where no application runs yet: spark-submit's {@code spark.hadoop.*} too. */
  public static Configuration hadoopConfiguration() {
    return StorageDefaults.applyTo(SparkHadoopUtil.get().newConfiguration(new SparkConf()));
  }

  JavaSparkContext context() {
    return context;
  }

  /**
   * Runs a task an input and returns their results in input order.
   *
   * @param group names the stage in Spark's UI and in messages
   * @param description what it does, in a line
   * @throws TuneQdmException the first refusal in input order, once all tasks are done
   */
  <T extends Serializable, R> List<R> fanOut(
      String group,
      String description,
      DeviceDemand demand,
      List<T> inputs,
      TaskFunction<T, R> function) {
    if (inputs.isEmpty()) {
      return List.of();
    }
    SerializableConfiguration hadoop =
        new SerializableConfiguration(StorageDefaults.applyTo(context.hadoopConfiguration()));
    int threads = config.deviceThreads();
    context.setJobGroup(group, description);
    try {
      JavaRDD<T> rdd = context.parallelize(inputs, inputs.size());
      JavaRDD<TaskOutcome<R>> outcomes =
          rdd.map(input -> run(function, input, demand, hadoop.value(), threads));
      return withDevices(outcomes, demand).collect().stream()
          .map(TaskOutcome::valueOrThrow)
          .toList();
    } finally {
      context.clearJobGroup();
    }
  }

  private static <T, R> TaskOutcome<R> run(
      TaskFunction<T, R> function, T input, DeviceDemand demand, Configuration hadoop, int threads)
      throws Exception {
    TaskEnvironment environment = new TaskEnvironment(hadoop, gpuOfThisTask(), isDriver());
    try {
      if (demand == DeviceDemand.NONE) {
        return TaskOutcome.of(function.apply(input, environment));
      }
      EngineSeats.prepare(threads);
      return TaskOutcome.of(
          EngineSeats.occupy(environment, () -> function.apply(input, environment)));
    } catch (TuneQdmException e) {
      if (e.exitCode() == ExitCode.ENVIRONMENT) {
        throw e; // another executor may do better
      }
      return TaskOutcome.refused(e);
    }
  }

  private static boolean isDriver() {
    return SparkEnv.get().executorId().equals("driver");
  }

  private static OptionalInt gpuOfThisTask() {
    Map<String, ResourceInformation> resources = TaskContext.get().resourcesJMap();
    ResourceInformation gpu = resources.get("gpu");
    return gpu == null || gpu.addresses().length == 0
        ? OptionalInt.empty()
        : OptionalInt.of(Integer.parseInt(gpu.addresses()[0]));
  }

  /**
   * Asks for a GPU a task, or for all cores of an executor, with a profile of task requests alone:
   * it needs no dynamic allocation. A local master knows neither; there {@link EngineSeats} keeps
   * tasks apart.
   */
  private <R> JavaRDD<R> withDevices(JavaRDD<R> rdd, DeviceDemand demand) {
    SparkConf conf = context.getConf();
    if (demand == DeviceDemand.NONE || isLocal()) {
      return rdd;
    }
    boolean executorsHaveGpus = conf.contains("spark.executor.resource.gpu.amount");
    if (config.deviceKind().equals("gpu") && !executorsHaveGpus) {
      throw TuneQdmException.usage(
          "Cannot ask Spark for GPUs: spark.executor.resource.gpu.amount is not set (pass --conf"
              + " spark.executor.resource.gpu.amount=1 before --, or set tuneqdm.device.kind = cpu)");
    }
    TaskResourceRequests requests = new TaskResourceRequests();
    boolean useGpu = executorsHaveGpus && !config.deviceKind().equals("cpu");
    if (useGpu) {
      if (conf.contains("spark.task.resource.gpu.amount")) {
        return rdd; // every task has one already
      }
      requests.resource("gpu", 1);
    } else if (conf.contains("spark.executor.cores")) {
      requests.cpus(conf.getInt("spark.executor.cores", 1));
    } else {
      return rdd;
    }
    return rdd.withResources(new ResourceProfileBuilder().require(requests).build());
  }

  /** Ends all stages that are running; callable from any thread. */
  void cancel() {
    context.sc().cancelAllJobs();
  }

  private boolean isLocal() {
    String master = context.master();
    return master.equals("local") || master.startsWith("local[");
  }

  @Override
  public void close() {
    context.close();
  }
}
