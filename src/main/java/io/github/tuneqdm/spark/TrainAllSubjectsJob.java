package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.parallel.Ahead;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tuning.SubjectTuner;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;

/**
 * Trains every subject that the run does not have yet, in batches that share one quantised base: a
 * Spark task a batch. Started again, it goes on where it was.
 */
public final class TrainAllSubjectsJob {
  private static final String NAME = "train-all-subjects";

  /** Subjects that one task looks at, and that the driver holds while it plans a large run. */
  private static final int SUBJECTS_A_LOOK = 256;

  private static final int LOOKED_AT_TOGETHER = 64 * SUBJECTS_A_LOOK;
  private static final int LOOKS_AHEAD = 64;

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
      if (!trained.isEmpty() || !alreadyDone.isEmpty()) {
        return ExitCode.SOME_SUBJECTS_FAILED;
      }
      return environment ? ExitCode.ENVIRONMENT : ExitCode.ALL_SUBJECTS_FAILED;
    }
  }

  public Result run() {
    Configuration hadoop = SparkApplication.hadoopConfiguration();
    BaseModel.check(config, hadoop);
    SubjectIndex index = SubjectCatalog.index(config, hadoop, config.dataNames());
    return index.names().size() <= limits.listed() ? listed(index, hadoop) : large(index, hadoop);
  }

  private Result listed(SubjectIndex index, Configuration hadoop) {
    List<SubjectEntry> subjects =
        SubjectCatalog.entries(config, hadoop, index.page(0, index.names().size()));
    QuantizeBaseJob.Result base = new QuantizeBaseJob(config, spark, out).run();
    RunPlan plan =
        RunPlan.of(config, base.id(), BaseModel.hash(config.modelBase(), hadoop), subjects);
    RunFolder run = RunFolder.of(config.storageRuns(), plan.runId(), hadoop);
    if (Packer.isOpen(config)) { // decided once, when the run is started
      RunPlan usual = plan;
      plan =
          run.plan()
              .orElseGet(() -> usual.in(packer(subjects.size()), subjects));
    }
    start(run, plan);
    return train(plan, run, base.folder(), plan.batchesOf(subjects).iterator());
  }

  /** Plans in one pass, and trains from the plan's table: subjects are never all in memory. */
  private Result large(SubjectIndex index, Configuration hadoop) {
    QuantizeBaseJob.Result base = new QuantizeBaseJob(config, spark, out).run();
    int count = index.names().size();
    out.println("Planning %,d subjects ...".formatted(count));
    RunId id = new RunId(config, base.id(), BaseModel.hash(config.modelBase(), hadoop));
    RunPlan plan;
    RunFolder run;
    try (PlanTable.Draft draft = new PlanTable.Draft(packer(count))) {
      look(
          index,
          subject -> {
            id.add(subject);
            draft.add(subject);
          });
      java.nio.file.Path table = draft.finished();
      RunPlan drafted = RunPlan.large(config, id.digits(), base.id(), count, draft.batches());
      run = RunFolder.of(config.storageRuns(), drafted.runId(), hadoop);
      run.publishTable(table);
      plan = run.plan().orElse(drafted);
    }
    start(run, plan);
    try (PlanTable.Batches batches =
        new PlanTable.Batches(run.fileSystem(), run.path(RunPlan.TABLE_FILE))) {
      return train(plan, run, base.folder(), batches);
    }
  }

  private Packer packer(int count) {
    Packer usual = Packer.of(config, count);
    return Packer.isOpen(config) && !config.deviceKind().equals("cpu")
        ? fitting().map(usual::fitting).orElse(usual)
        : usual;
  }

  /** Asks one of the machines that will train; a CPU has no answer. */
  private Optional<Integer> fitting() {
    TuneQdmConfig settings = config;
    Integer fit =
        spark
            .get()
            .fanOut(
                "pack",
                "see how many subjects a device's memory holds",
                DeviceDemand.ENGINE,
                List.of(settings),
                (of, environment) -> fitting(of, environment))
            .get(0);
    return fit == 0 ? Optional.empty() : Optional.of(fit);
  }

  private static Integer fitting(TuneQdmConfig config, TaskEnvironment environment) {
    PipelineFolder model = new PipelineFolder(environment.local(config.modelBase()));
    try (Compute compute = environment.compute(config)) {
      SubjectTuner.Network network =
          new SubjectTuner.Network(
              config.quantizerBits(),
              OpenBase.wanted(config),
              mode -> {
                throw new IllegalStateException("nothing is trained here");
              });
      return new SubjectTuner(compute, model, network, Recipe.tuning(config))
          .subjectsThatFit(config.tuningPriorPreservationEnabled() ? 2 : 1)
          .orElse(0);
    }
  }

  /** Executors list and hash the photos, so many subjects at a time. */
  private void look(SubjectIndex index, Consumer<SubjectEntry> each) {
    TuneQdmConfig settings = config;
    int count = index.names().size();
    for (int from = 0; from < count; from += LOOKED_AT_TOGETHER) {
      int end = Math.min(count, from + LOOKED_AT_TOGETHER);
      List<SubjectIndex.Page> pages = new ArrayList<>();
      for (int start = from; start < end; start += SUBJECTS_A_LOOK) {
        pages.add(index.page(start, Math.min(end, start + SUBJECTS_A_LOOK)));
      }
      spark
          .get()
          .fanOut(
              "list-subjects",
              "list photos of %,d to %,d of %,d subjects".formatted(from + 1, end, count),
              DeviceDemand.NONE,
              pages,
              (page, environment) -> SubjectCatalog.entries(settings, environment.hadoop(), page))
          .forEach(subjects -> subjects.forEach(each));
    }
  }

  private void start(RunFolder run, RunPlan plan) {
    run.start(plan, config.render());
    out.println("Run " + plan.runId() + " in " + run.root());
  }

  /** Wave by wave: what the driver holds does not grow with the run. */
  private Result train(RunPlan plan, RunFolder run, String base, Iterator<Batch> batches) {
    Tally tally = new Tally();
    while (batches.hasNext() && !(config.runFailFast() && tally.hasFailures())) {
      List<BatchTask> tasks =
          tasks(plan, run, base, Batch.take(batches, limits.batchesAWave()), tally);
      if (!tasks.isEmpty()) {
        if (config.tuningPriorPreservationEnabled()) {
          List<SubjectEntry> subjects =
              tasks.stream().flatMap(task -> task.members().stream()).toList();
          new ClassImages(config, spark, out).make(run, subjects);
        }
        train(tasks, tally);
      }
    }
    return tally.result(plan, run, config.runFailFast());
  }

  /** A task for each batch that misses a subject, the longest first. */
  private List<BatchTask> tasks(
      RunPlan plan, RunFolder run, String base, List<Batch> batches, Tally tally) {
    List<String> names =
        batches.stream().flatMap(b -> b.members().stream()).map(SubjectEntry::name).toList();
    Set<String> missing = new HashSet<>();
    try (Ahead<Boolean> done = Ahead.counted(names, run::isDone, LOOKS_AHEAD)) {
      for (String name : names) {
        if (done.next()) {
          tally.alreadyDone(name);
        } else {
          missing.add(name);
        }
      }
    }
    List<BatchTask> tasks = new ArrayList<>();
    for (Batch batch : batches.stream().sorted(Batch.LONGEST_FIRST).toList()) {
      TreeSet<String> ofBatch = new TreeSet<>();
      batch.members().forEach(member -> ofBatch.add(member.name()));
      ofBatch.retainAll(missing);
      if (!ofBatch.isEmpty()) {
        tasks.add(
            new BatchTask(
                plan.head(), config, base, batch.index(), batch.members(), ofBatch, lastAttempt()));
      }
    }
    return tasks;
  }

  private void train(List<BatchTask> tasks, Tally tally) {
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
        application.fanOut(
            NAME,
            "train %d batches of subjects for %d steps"
                .formatted(tasks.size(), config.tuningSteps()),
            DeviceDemand.ENGINE,
            tasks,
            (task, environment) -> task.run(environment, reports),
            ofBatch -> {
              ofBatch.forEach(tally::add);
              return !(config.runFailFast() && tally.hasFailures());
            });
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
}
