package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
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
   * @param stoppedBy the cause that ended the job before the others were tried, as an exit code
   */
  public record Result(
      String runId,
      String folder,
      List<String> trained,
      List<String> alreadyDone,
      Map<String, String> failures,
      boolean environment,
      Optional<ExitCode> stoppedBy) {

    public ExitCode exitCode() {
      if (failures.isEmpty()) {
        return ExitCode.DONE;
      }
      if (stoppedBy.isPresent() && stoppedBy.get() != ExitCode.SOME_SUBJECTS_FAILED) {
        return stoppedBy.get();
      }
      if (!trained.isEmpty() || !alreadyDone.isEmpty()) {
        return ExitCode.SOME_SUBJECTS_FAILED;
      }
      return environment ? ExitCode.ENVIRONMENT : ExitCode.ALL_SUBJECTS_FAILED;
    }
  }

  public Result run() {
    Configuration hadoop = SparkApplication.hadoopConfiguration();
    BaseModel.check(config, hadoop);
    List<SubjectEntry> subjects = SubjectCatalog.read(config, hadoop, config.dataNames());
    QuantizeBaseJob.Result base = new QuantizeBaseJob(config, spark, out).run();
    RunPlan plan =
        RunPlan.of(config, base.id(), BaseModel.hash(config.modelBase(), hadoop), subjects);
    RunFolder run = RunFolder.of(config.storageRuns(), plan.runId(), hadoop);
    run.start(plan, config.render());
    out.println("Run " + plan.runId() + " in " + run.root());

    TreeSet<String> missing =
        subjects.stream()
            .map(SubjectEntry::name)
            .filter(name -> !run.isDone(name))
            .collect(Collectors.toCollection(TreeSet::new));
    List<BatchTask> tasks = tasks(plan, base.folder(), subjects, missing);
    if (config.tuningPriorPreservationEnabled() && !tasks.isEmpty()) {
      new ClassImages(config, spark, out).make(run, subjects);
    }
    List<BatchTask.Outcome> outcomes = tasks.isEmpty() ? List.of() : train(tasks);
    return result(plan, run, subjects, missing, outcomes);
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
        List<BatchTask.Outcome> outcomes = new ArrayList<>();
        application.fanOut(
            NAME,
            "train %d batches of subjects for %d steps"
                .formatted(tasks.size(), config.tuningSteps()),
            DeviceDemand.ENGINE,
            tasks,
            (task, environment) -> task.run(environment, reports),
            ofBatch -> {
              outcomes.addAll(ofBatch);
              return !config.runFailFast() || ofBatch.stream().allMatch(o -> o.status().isDone());
            });
        return outcomes;
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

  private Result result(
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
        environment &= outcome.cause() == ExitCode.ENVIRONMENT;
      }
    }
    Optional<ExitCode> stoppedBy =
        outcomes.stream()
            .filter(outcome -> config.runFailFast() && !outcome.status().isDone())
            .map(BatchTask.Outcome::cause)
            .findFirst();
    List<String> alreadyDone =
        subjects.stream().map(SubjectEntry::name).filter(name -> !missing.contains(name)).toList();
    return new Result(
        plan.runId(),
        run.root().toString(),
        trained.stream().sorted().toList(),
        alreadyDone,
        failures,
        environment,
        stoppedBy);
  }
}
