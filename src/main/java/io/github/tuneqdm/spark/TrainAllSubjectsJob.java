package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.parallel.Ahead;
import io.github.tuneqdm.storage.ArtifactIndex;
import io.github.tuneqdm.storage.Publisher;
import java.io.PrintStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
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

  private static final int LOOKS_AHEAD = 64;

  /** Trained subjects that the page shows each by itself; of more it has the failures. */
  private static final int MOST_SHOWN = 200;

  private final TuneQdmConfig config;
  private final OnDemandSpark spark;
  private final PrintStream progress;
  private final PrintStream out;
  private final Limits limits;

  /**
   * @param progress for the line that says how far training is
   * @param out for messages
   */
  public TrainAllSubjectsJob(
      TuneQdmConfig config, OnDemandSpark spark, PrintStream progress, PrintStream out) {
    this(config, spark, progress, out, Limits.USUAL);
  }

  TrainAllSubjectsJob(
      TuneQdmConfig config,
      OnDemandSpark spark,
      PrintStream progress,
      PrintStream out,
      Limits limits) {
    this.limits = limits;
    this.progress = progress;
    this.config = config;
    this.spark = spark;
    this.out = out;
  }

  /**
   * What bounds the driver's memory.
   *
   * @param listed subjects of the largest run whose plan lies in memory
   * @param batchesAWave tasks that Spark is given at a time
   */
  record Limits(int listed, int batchesAWave) {
    static final Limits USUAL = new Limits(10_000, 1_000);
  }

  /** How many subjects this call trained, found trained, and saw fail. */
  public record Counts(int trained, int alreadyDone, int failed) {}

  /**
   * What the run holds now. Of a large run the first 10,000 names of a kind are here.
   *
   * @param folder of the run
   * @param trained subjects that this call trained
   * @param alreadyDone subjects that were there before
   * @param failures why the others failed, by subject
   * @param counts of all subjects
   * @param environment whether a failing machine is all that stood in their way
   * @param stoppedBy the cause that ended the job before the others were tried, as an exit code
   */
  public record Result(
      String runId,
      String folder,
      List<String> trained,
      List<String> alreadyDone,
      Map<String, String> failures,
      Counts counts,
      boolean environment,
      Optional<ExitCode> stoppedBy) {

    public ExitCode exitCode() {
      if (failures.isEmpty()) {
        return ExitCode.DONE;
      }
      if (stoppedBy.isPresent() && stoppedBy.get() != ExitCode.SOME_SUBJECTS_FAILED) {
        return stoppedBy.get();
      }
      if (environment) {
        return ExitCode.ENVIRONMENT; // the same command, once that is mended, does the rest
      }
      return trained.isEmpty() && alreadyDone.isEmpty()
          ? ExitCode.ALL_SUBJECTS_FAILED
          : ExitCode.SOME_SUBJECTS_FAILED;
    }
  }

  public Result run() {
    Configuration hadoop = SparkApplication.hadoopConfiguration();
    Optional<ContinuedRun> continued = ContinuedRun.of(config, hadoop);
    continued.ifPresent(before -> before.requireSettings(config));
    BaseModel.check(config, hadoop);
    requireWritable(config.storageRuns(), hadoop);
    try (PlannedRun planned = new RunPlanner(config, spark, out, limits.listed()).plan(hadoop)) {
      continued.ifPresent(before -> before.requirePlan(planned.plan()));
      LogContext.run(planned.plan().runId());
      out.println("Run " + planned.plan().runId() + " in " + planned.run().root());
      try (RunLease lease =
          RunLease.take(planned.run(), config.storageLeaseSeconds(), spark::cancel, out)) {
        return lease.guard(() -> train(planned));
      }
    }
  }

  /** A run that cannot be written should end before its work begins. */
  private static void requireWritable(String folder, Configuration hadoop) {
    Path path = new Path(folder);
    Publisher.requireWritable(Publisher.fileSystem(path, hadoop), path);
  }

  /** Wave by wave: what the driver holds does not grow with the run. */
  private Result train(PlannedRun planned) {
    RunFolder run = planned.run();
    RunIndex index = new RunIndex(run, spark);
    if (!run.configuration().equals(Optional.of(config.render()))) {
      index.withdraw();
    }
    run.start(planned.plan(), config.render());
    Tally tally = new Tally();
    List<SubjectEntry> members = new ArrayList<>();
    while (planned.batches().hasNext() && !(config.runFailFast() && tally.hasFailures())) {
      List<Batch> wave = planned.batches().next(limits.batchesAWave());
      if (planned.plan().isLarge()) {
        out.println(
            "Batches %,d to %,d of %,d"
                .formatted(
                    wave.get(0).index() + 1,
                    wave.get(0).index() + wave.size(),
                    planned.plan().table().batches()));
      }
      List<BatchTask> tasks = tasks(planned, wave, tally);
      if (!planned.plan().isLarge()) { // the states of a large run's later batches are still needed
        StateFolder.sweep(run, tasks.stream().map(BatchTask::index).collect(Collectors.toSet()));
      }
      if (!tasks.isEmpty()) {
        index.withdraw();
        if (config.tuningPriorPreservationEnabled()) {
          List<SubjectEntry> subjects =
              tasks.stream().flatMap(task -> task.members().stream()).toList();
          new ClassImages(config, spark, out).make(run, subjects);
        }
        train(planned, tasks, tally);
      }
      if (!planned.plan().isLarge()) {
        wave.forEach(batch -> members.addAll(batch.members()));
      }
    }
    if (!run.exists(ArtifactIndex.NAME)) {
      report(run, members, tally, index);
    }
    Result result = tally.result(planned.plan(), run, config.runFailFast());
    run.sweepAll("subjects", "class-images");
    if (result.stoppedBy().isEmpty() && !tally.blamesMachines()) {
      StateFolder.sweep(run, Set.of());
    }
    index.complete();
    return result;
  }

  /** The page of what was trained, with the scores of an evaluation that was before. */
  private void report(RunFolder run, List<SubjectEntry> members, Tally tally, RunIndex index) {
    ShownScores scores = ShownScores.of(run);
    Thumbnails thumbnails = new Thumbnails(run);
    if (members.size() > MOST_SHOWN) {
      new RunReport(run, config).write(List.of(), scores, tally.failures(), thumbnails, index);
      return;
    }
    List<SubjectEntry> shown =
        members.stream()
            .filter(member -> run.isDone(member.name()))
            .map(member -> member.without(run.rejects(member.name())))
            .sorted(Comparator.comparing(SubjectEntry::name))
            .toList();
    thumbnails.make(shown, List.of(), config, spark, index);
    new RunReport(run, config).write(shown, scores.of(shown), tally.failures(), thumbnails, index);
  }

  /** A task for each batch that misses a subject, the longest first. */
  private List<BatchTask> tasks(PlannedRun planned, List<Batch> wave, Tally tally) {
    List<String> names =
        wave.stream().flatMap(b -> b.members().stream()).map(SubjectEntry::name).toList();
    Set<String> missing = new HashSet<>();
    try (Ahead<Boolean> done = Ahead.counted(names, planned.run()::isDone, LOOKS_AHEAD)) {
      for (String name : names) {
        if (done.next()) {
          tally.alreadyDone(name);
        } else {
          missing.add(name);
        }
      }
    }
    RunPlan head = planned.plan().head();
    int lastAttempt = lastAttempt();
    List<BatchTask> tasks = new ArrayList<>();
    for (Batch batch : wave.stream().sorted(Batch.LONGEST_FIRST).toList()) {
      TreeSet<String> ofBatch = new TreeSet<>();
      batch.members().forEach(member -> ofBatch.add(member.name()));
      ofBatch.retainAll(missing);
      if (!ofBatch.isEmpty()) {
        tasks.add(
            new BatchTask(
                head,
                config,
                planned.baseFolder(),
                batch.index(),
                batch.members(),
                ofBatch,
                lastAttempt));
      }
    }
    return tasks;
  }

  private void train(PlannedRun planned, List<BatchTask> tasks, Tally tally) {
    SparkApplication application = spark.get();
    ProgressAccumulator reports = new ProgressAccumulator();
    application.context().sc().register(reports, "training progress");
    Map<Integer, Integer> subjectsOfBatch = new TreeMap<>();
    tasks.forEach(task -> subjectsOfBatch.put(task.index(), task.members().size()));
    TrainingProgress shown = new TrainingProgress(subjectsOfBatch, config.tuningSteps());
    RunReport report = new RunReport(planned.run(), config);
    long total = planned.plan().size();
    ProgressLine line =
        new ProgressLine(
                progress,
                Terminal.isTerminal(),
                subjectsOfBatch,
                config.tuningSteps(),
                System::nanoTime)
            .running();
    Runnable page =
        () ->
            report.write(
                shown.shown(tally.ended(), total, line.text(), Instant.now()), tally.failures());
    LiveReport live = new LiveReport(page, LiveReport.USUAL);
    try (line;
        live) {
      ProgressListener listener =
          new ProgressListener(
              reports.id(),
              batch -> {
                line.update(batch);
                shown.update(batch);
              });
      application.context().sc().addSparkListener(listener);
      try {
        application.fanOut(
            NAME,
            "train %d batches of subjects for %d steps"
                .formatted(tasks.size(), config.tuningSteps()),
            DeviceDemand.ENGINE,
            tasks,
            (task, environment) -> task.run(environment, reports),
            ofBatch -> {
              ofBatch.forEach(
                  outcome -> {
                    tally.add(outcome);
                    tellRejects(outcome.status());
                  });
              return !(config.runFailFast() && tally.hasFailures());
            });
      } finally {
        application.context().sc().removeSparkListener(listener);
      }
    }
  }

  private void tellRejects(SubjectStatus status) {
    for (RejectedPhoto reject : status.rejects()) {
      out.println(status.subject() + " was trained without a photo: " + reject.reason());
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
}
