package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.spark.plugin.TuneQdmPlugin;
import io.github.tuneqdm.storage.StorageDefaults;
import java.io.Serializable;
import java.util.ArrayList;
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
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.apache.spark.util.SerializableConfiguration;
import scala.Function1;
import scala.Tuple2;
import scala.collection.Iterator;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;
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

  // Under dynamic allocation, executors that did plain work keep their GPUs from those that wait.
  private static final String IDLE = "10s";

  private static final long LONGEST_WAIT_NANOS = 60_000_000_000L;
  private static final long QUIET_NANOS = 2_000_000_000L;
  private static final int MOST_UNKNOWN = 32;

  // Spark's own 100,000 finished tasks would be what fills the driver's memory in a large run.
  private static final String RETAINED_TASKS = "5000";

  private static final String PLUGINS = "spark.plugins";

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
            .setIfMissing("spark.dynamicAllocation.executorIdleTimeout", IDLE)
            .setIfMissing("spark.executorEnv.OPT_OUT_TRACKING", "true")
            .setIfMissing(
                "spark.executorEnv.CUDA_DEVICE_ORDER", "PCI_BUS_ID") // as nvidia-smi counts
            .setIfMissing("spark.ui.retainedTasks", RETAINED_TASKS)
            .setIfMissing("spark.executorEnv.GOMP_SPINCOUNT", SPINS);
    conf.set(PLUGINS, withOurs(conf.get(PLUGINS, "")));
    try {
      return new SparkApplication(new JavaSparkContext(SparkContext.getOrCreate(conf)), config);
    } catch (RuntimeException e) {
      throw TuneQdmException.environment(
          "Cannot start Spark on " + conf.get("spark.master") + ": " + e.getMessage(), e);
    }
  }

  private static String withOurs(String plugins) {
    String ours = TuneQdmPlugin.class.getName();
    if (plugins.isBlank()) {
      return ours;
    }
    return plugins.contains(ours) ? plugins : plugins + "," + ours;
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
   * @param description what it does, in a line; shown there and in the history server
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
    return collect(
        group, description, demand, context.parallelize(inputs, inputs.size()), function);
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
    if (inputs.isEmpty()) {
      return;
    }
    Map<Integer, TaskOutcome<R>> refusals = new TreeMap<>();
    stage(
        group,
        description,
        demand,
        context.parallelize(inputs, inputs.size()),
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

  private <T extends Serializable, R> List<R> collect(
      String group,
      String description,
      DeviceDemand demand,
      JavaRDD<T> inputs,
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

  private <T extends Serializable, R> void stage(
      String group,
      String description,
      DeviceDemand demand,
      JavaRDD<T> inputs,
      TaskFunction<T, R> function,
      BiPredicate<Integer, TaskOutcome<R>> goesOn) {
    SerializableConfiguration hadoop =
        new SerializableConfiguration(StorageDefaults.applyTo(context.hadoopConfiguration()));
    String runId = LogContext.run();
    Runner runner = new Runner(demand, config.deviceKind(), config.deviceThreads(), runId);
    String shown = runId.isEmpty() ? description : description + " (run " + runId + ")";
    String jobs = runId.isEmpty() ? group : group + " " + runId; // runs side by side stop alone
    context.setJobGroup(jobs, shown);
    context.setCallSite(shown); // else the page says "runJob at SparkApplication.java"
    AtomicBoolean stopped = new AtomicBoolean();
    try {
      JavaRDD<TaskOutcome<R>> outcomes =
          inputs.map(input -> runner.run(function, input, hadoop.value()));
      SingleElement<TaskOutcome<R>> only = Iterator::next;
      context
          .sc()
          .runJob(
              withDevices(outcomes, demand).rdd(),
              only,
              (partition, outcome) -> {
                boolean goOn = goesOn.test((Integer) partition, outcome);
                if (!goOn && stopped.compareAndSet(false, true)) {
                  context.sc().cancelJobGroup(jobs);
                }
                return BoxedUnit.UNIT;
              },
              ClassTag.apply(TaskOutcome.class));
    } catch (Exception e) { // Spark's are checked, though Scala does not say so
      if (!stopped.get()) {
        throw e;
      }
    } finally {
      context.clearCallSite();
      context.clearJobGroup();
    }
  }

  /** Each partition holds one input, so one result. */
  @FunctionalInterface
  private interface SingleElement<E> extends Function1<Iterator<E>, E>, Serializable {}

  /**
   * As {@link #fanOut}, a task an executor, which Spark keeps to where the executors are idle.
   * Where none is registered, which is how dynamic allocation begins, one task on one that comes.
   *
   * @param hosts of the executors, by executor
   */
  <R> List<R> onEach(
      Map<String, String> hosts,
      String group,
      String description,
      DeviceDemand demand,
      TaskFunction<String, R> function) {
    if (hosts.isEmpty()) {
      return fanOut(group, description, demand, List.of(""), function);
    }
    List<Tuple2<String, Seq<String>>> placed = new ArrayList<>();
    hosts.forEach(
        (executor, host) ->
            placed.add(
                new Tuple2<>(
                    executor,
                    CollectionConverters.asScala(List.of("executor_" + host + "_" + executor))
                        .toSeq())));
    return collect(
        group,
        description,
        demand,
        JavaRDD.fromRDD(
            context
                .sc()
                .makeRDD(
                    CollectionConverters.asScala(placed).toSeq(),
                    ClassTag$.MODULE$.apply(String.class)),
            ClassTag$.MODULE$.apply(String.class)),
        function);
  }

  /**
   * Hosts of the executors, by executor, once no more have come for a while. Dynamic allocation
   * starts them for tasks alone: there it is empty.
   */
  Map<String, String> awaitExecutors() {
    if (context.getConf().getBoolean("spark.dynamicAllocation.enabled", false)) {
      return executors();
    }
    long start = System.nanoTime();
    long changed = start;
    Map<String, String> known = executors();
    while (known.isEmpty()
        ? System.nanoTime() - start < LONGEST_WAIT_NANOS
        : System.nanoTime() - changed < QUIET_NANOS) {
      try {
        Thread.sleep(200);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        break;
      }
      Map<String, String> now = executors();
      if (!now.equals(known)) {
        known = now;
        changed = System.nanoTime();
      }
    }
    return known;
  }

  /**
   * How many tasks may be at work side by side: for cutting work that has no parts of its own.
   * Executors come after the application; where tasks call for them, none is there yet.
   */
  int slots() {
    if (context.getConf().getBoolean("spark.dynamicAllocation.enabled", false)) {
      int most = context.getConf().getInt("spark.dynamicAllocation.maxExecutors", MOST_UNKNOWN);
      return Math.max(context.defaultParallelism(), Math.min(most, MOST_UNKNOWN));
    }
    if (!isLocal()) {
      awaitExecutors();
    }
    return Math.max(1, context.defaultParallelism());
  }

  /** Ends all stages that are running; callable from any thread. */
  void cancel() {
    context.sc().cancelAllJobs();
  }

  /** Hosts of the executors that are registered now, by executor. */
  Map<String, String> executors() {
    Map<String, String> hosts = new TreeMap<>();
    CollectionConverters.asJava(SparkEnv.get().blockManager().master().getMemoryStatus())
        .keySet()
        .stream()
        .filter(id -> !id.isDriver())
        .forEach(id -> hosts.put(id.executorId(), id.host()));
    return hosts;
  }

  /** Whether tasks run in the driver's own process. */
  boolean isLocal() {
    return context.isLocal();
  }

  /**
   * How a task is run, wherever that is.
   *
   * @param kind {@code tuneqdm.device.kind}
   * @param threads of the engine on CPU
   * @param runId for the log; may be empty
   */
  private record Runner(DeviceDemand demand, String kind, int threads, String runId)
      implements Serializable {

    <T, R> TaskOutcome<R> run(TaskFunction<T, R> function, T input, Configuration hadoop)
        throws Exception {
      try {
        return TaskOutcome.of(LogContext.around(runId, () -> apply(function, input, hadoop)));
      } catch (TuneQdmException e) {
        if (e.exitCode() == ExitCode.ENVIRONMENT) {
          throw e; // another executor may do better
        }
        return TaskOutcome.refused(e);
      }
    }

    private <T, R> R apply(TaskFunction<T, R> function, T input, Configuration hadoop)
        throws Exception {
      if (demand == DeviceDemand.NONE) {
        return function.apply(input, new TaskEnvironment(hadoop, OptionalInt.empty()));
      }
      EngineSeats.prepare(threads);
      return EngineSeats.occupy(
          TaskDevices.ofThisTask(kind),
          gpu -> function.apply(input, new TaskEnvironment(hadoop, gpu)));
    }
  }

  private <R> JavaRDD<R> withDevices(JavaRDD<R> rdd, DeviceDemand demand) {
    return demand == DeviceDemand.NONE
        ? rdd
        : DeviceProfile.of(context.getConf(), config.deviceKind())
            .map(rdd::withResources)
            .orElse(rdd);
  }

  @Override
  public void close() {
    context.close();
  }
}
