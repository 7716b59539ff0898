package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
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
import scala.Function1;
import scala.collection.Iterator;
import scala.reflect.ClassTag;
import scala.runtime.BoxedUnit;

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

  // Spark's own 100,000 finished tasks would be what fills the driver's memory in a large run.
  private static final String RETAINED_TASKS = "5000";

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
            .setIfMissing("spark.ui.retainedTasks", RETAINED_TASKS)
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
    return SparkHadoopUtil.get().newConfiguration(new SparkConf());
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
    Map<Integer, TaskOutcome<R>> outcomes = new TreeMap<>();
    stage(
        group,
        description,
        demand,
        inputs,
        function,
        (input, outcome) -> {
          outcomes.put(input, outcome);
          return true;
        });
    return outcomes.values().stream().map(TaskOutcome::valueOrThrow).toList();
  }

  /**
   * Runs a task an input and hands over each result as it comes.
   *
   * @param goesOn takes a result, in the order of their coming, and says whether the other inputs
   *     still matter; once they do not, their tasks are stopped
   * @throws TuneQdmException the first refusal, once all tasks are done
   */
  <T extends Serializable, R> void fanOut(
      String group,
      String description,
      DeviceDemand demand,
      List<T> inputs,
      TaskFunction<T, R> function,
      Predicate<R> goesOn) {
    Map<Integer, TaskOutcome<R>> refusals = new TreeMap<>();
    stage(
        group,
        description,
        demand,
        inputs,
        function,
        (input, outcome) -> {
          if (outcome.isRefusal()) {
            refusals.put(input, outcome);
            return true;
          }
          return goesOn.test(outcome.value());
        });
    refusals.values().forEach(TaskOutcome::valueOrThrow);
  }

  private <T extends Serializable, R> void stage(
      String group,
      String description,
      DeviceDemand demand,
      List<T> inputs,
      TaskFunction<T, R> function,
      BiPredicate<Integer, TaskOutcome<R>> goesOn) {
    if (inputs.isEmpty()) {
      return;
    }
    SerializableConfiguration hadoop = new SerializableConfiguration(context.hadoopConfiguration());
    int threads = config.deviceThreads();
    context.setJobGroup(group, description);
    AtomicBoolean stopped = new AtomicBoolean();
    try {
      JavaRDD<T> rdd = context.parallelize(inputs, inputs.size());
      JavaRDD<TaskOutcome<R>> outcomes =
          rdd.map(input -> run(function, input, demand, hadoop.value(), threads));
      SingleElement<TaskOutcome<R>> only = Iterator::next;
      context
          .sc()
          .runJob(
              withDevices(outcomes, demand).rdd(),
              only,
              (partition, outcome) -> {
                boolean goOn = goesOn.test((Integer) partition, outcome);
                if (!goOn && stopped.compareAndSet(false, true)) {
                  context.sc().cancelJobGroup(group);
                }
                return BoxedUnit.UNIT;
              },
              ClassTag.apply(TaskOutcome.class));
    } catch (Exception e) { // Spark's are checked, though Scala does not say so
      if (!stopped.get()) {
        throw e;
      }
    } finally {
      context.clearJobGroup();
    }
  }

  /** Each partition holds one input, so one result. */
  @FunctionalInterface
  private interface SingleElement<E> extends Function1<Iterator<E>, E>, Serializable {}

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

  private boolean isLocal() {
    String master = context.master();
    return master.equals("local") || master.startsWith("local[");
  }

  @Override
  public void close() {
    context.close();
  }
}
