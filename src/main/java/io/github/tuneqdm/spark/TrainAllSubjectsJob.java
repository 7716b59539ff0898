package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.storage.Publisher;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkConf;

/**
 * Trains every subject that the run does not have yet, in batches that share one quantised base: a
 * Spark task a batch. Started again, it goes on where it was.
 */
public final class TrainAllSubjectsJob {
  private static final String NAME = "train-all-subjects";

  private final TuneQdmConfig config;
  private final OnDemandSpark spark;
  private final PrintStream progress;
  private final PrintStream out;

  /**
   * @param progress for the line that says how far training is
   * @param out for messages
   */
  public TrainAllSubjectsJob(
      TuneQdmConfig config, OnDemandSpark spark, PrintStream progress, PrintStream out) {
    this.progress = progress;
    this.config = config;
    this.spark = spark;
    this.out = out;
  }

  /**
   * What the run holds now.
   *
   * @param folder of the run
   * @param trained subjects that this call trained
   * @param alreadyDone subjects that were there before
   * @param failures why the others failed, by subject
   * @param environment whether a failing machine is all that stood in their way
   */
  public record Result(
      String runId,
      String folder,
      List<String> trained,
      List<String> alreadyDone,
      Map<String, String> failures,
      boolean environment) {

    public ExitCode exitCode() {
      if (failures.isEmpty()) {
        return ExitCode.DONE;
      }
      if (environment) {
        return ExitCode.ENVIRONMENT; // the same command, once that is mended, does the rest
      }
      if (!trained.isEmpty() || !alreadyDone.isEmpty()) {
        return ExitCode.SOME_SUBJECTS_FAILED;
      }
      return ExitCode.ALL_SUBJECTS_FAILED;
    }
  }

  public Result run() {
    Configuration hadoop = SparkApplication.hadoopConfiguration();
    Optional<ContinuedRun> continued = ContinuedRun.of(config, hadoop);
    continued.ifPresent(before -> before.requireSettings(config));
    BaseModel.check(config, hadoop);
    requireWritable(config.storageRuns(), hadoop);
    List<SubjectEntry> subjects = SubjectCatalog.read(config, hadoop, config.dataNames());
    QuantizeBaseJob.Result base = new QuantizeBaseJob(config, spark, out).run();
    RunPlan plan =
        RunPlan.of(config, base.id(), BaseModel.hash(config.modelBase(), hadoop), subjects);
    continued.ifPresent(before -> before.requirePlan(plan));
    RunFolder run = RunFolder.of(config.storageRuns(), plan.runId(), hadoop);
    LogContext.run(plan.runId());
    out.println("Run " + plan.runId() + " in " + run.root());
    try (RunLease lease = RunLease.take(run, config.storageLeaseSeconds(), spark::cancel, out)) {
      return lease.guard(() -> run(run, plan, subjects, base.folder()));
    }
  }

  private Result run(RunFolder run, RunPlan plan, List<SubjectEntry> subjects, String base) {
    RunIndex index = new RunIndex(run, spark);
    if (!run.configuration().equals(Optional.of(config.render()))) {
      index.withdraw();
    }
    run.start(plan, config.render());
    TreeSet<String> missing =
        subjects.stream()
            .map(SubjectEntry::name)
            .filter(name -> !run.isDone(name))
            .collect(Collectors.toCollection(TreeSet::new));
    List<BatchTask> tasks = tasks(plan, base, subjects, missing);
    StateFolder.sweep(run, tasks.stream().map(BatchTask::index).collect(Collectors.toSet()));
    if (!tasks.isEmpty()) {
      index.withdraw();
    }
    if (config.tuningPriorPreservationEnabled() && !tasks.isEmpty()) {
      new ClassImages(config, spark, out).make(run, subjects);
    }
    List<BatchTask.Outcome> outcomes = tasks.isEmpty() ? List.of() : train(tasks);
    run.sweepAll("subjects", "class-images");
    if (outcomes.stream().noneMatch(BatchTask.Outcome::environment)) {
      StateFolder.sweep(run, Set.of());
    }
    outcomes.forEach(outcome -> tellRejects(outcome.status()));
    index.complete();
    return result(plan, run, subjects, missing, outcomes);
  }

  /** A run that cannot be written should end before its work begins. */
  private static void requireWritable(String folder, Configuration hadoop) {
    Path path = new Path(folder);
    Publisher.requireWritable(Publisher.fileSystem(path, hadoop), path);
  }

  private void tellRejects(SubjectStatus status) {
    for (RejectedPhoto reject : status.rejects()) {
      out.println(status.subject() + " was trained without a photo: " + reject.reason());
    }
  }

  private List<BatchTask> tasks(
      RunPlan plan, String base, List<SubjectEntry> subjects, TreeSet<String> missing) {
    Map<String, SubjectEntry> byName =
        subjects.stream().collect(Collectors.toMap(SubjectEntry::name, Function.identity()));
    List<BatchTask> tasks = new ArrayList<>();
    for (int batch = 0; batch < plan.batches().size(); batch++) {
      List<String> names = plan.batches().get(batch);
      TreeSet<String> ofBatch = new TreeSet<>(names);
      ofBatch.retainAll(missing);
      if (!ofBatch.isEmpty()) {
        List<SubjectEntry> members = names.stream().map(byName::get).toList();
        tasks.add(new BatchTask(plan, config, base, batch, members, ofBatch, lastAttempt()));
      }
    }
    return tasks;
  }

  private List<BatchTask.Outcome> train(List<BatchTask> tasks) {
    SparkApplication application = spark.get();
    ProgressAccumulator reports = new ProgressAccumulator();
    application.context().sc().register(reports, "training progress");
    Map<Integer, Integer> subjectsOfBatch = new TreeMap<>();
    tasks.forEach(task -> subjectsOfBatch.put(task.index(), task.members().size()));
    try (ProgressLine line =
        new ProgressLine(
                progress,
                Terminal.isTerminal(),
                subjectsOfBatch,
                config.tuningSteps(),
                System::nanoTime)
            .running()) {
      ProgressListener listener = new ProgressListener(reports.id(), line);
      application.context().sc().addSparkListener(listener);
      try {
        return application
            .fanOut(
                NAME,
                "train %d batches of subjects for %d steps"
                    .formatted(tasks.size(), config.tuningSteps()),
                DeviceDemand.ENGINE,
                tasks,
                (task, environment) -> task.run(environment, reports))
            .stream()
            .flatMap(List::stream)
            .toList();
      } finally {
        application.context().sc().removeSparkListener(listener);
      }
    }
  }

  /** Zero where the master is local and not told otherwise: there Spark tries a task once. */
  private static int lastAttempt() {
    SparkConf conf = new SparkConf();
    String master = conf.get("spark.master", "local[*]");
    if (master.matches("local(\\[[^,]*])?")) {
      return 0;
    }
    if (master.matches("local\\[.*,\\s*\\d+\\s*]")) {
      return Integer.parseInt(master.replaceAll(".*,\\s*(\\d+)\\s*]", "$1")) - 1;
    }
    return conf.getInt("spark.task.maxFailures", 4) - 1;
  }

  private static Result result(
      RunPlan plan,
      RunFolder run,
      List<SubjectEntry> subjects,
      TreeSet<String> missing,
      List<BatchTask.Outcome> outcomes) {
    List<String> trained = new ArrayList<>();
    Map<String, String> failures = new TreeMap<>();
    boolean environment = true;
    for (BatchTask.Outcome outcome : outcomes) {
      SubjectStatus status = outcome.status();
      if (status.isDone()) {
        trained.add(status.subject());
      } else {
        failures.put(status.subject(), status.failure());
        environment &= outcome.environment();
      }
    }
    List<String> alreadyDone =
        subjects.stream().map(SubjectEntry::name).filter(name -> !missing.contains(name)).toList();
    return new Result(
        plan.runId(), run.root().toString(), trained, alreadyDone, failures, environment);
  }
}
