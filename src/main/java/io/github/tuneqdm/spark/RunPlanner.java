package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tuning.SubjectTuner;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.hadoop.conf.Configuration;

/**
 * Decides what a training run will do. Of a large run the driver holds the subjects' names and no
 * more: their photos are listed by executors and their batches go into a table, a stretch at a
 * time.
 */
final class RunPlanner {
  private static final int SUBJECTS_A_TASK = 256;
  private static final int SUBJECTS_A_STAGE = 64 * SUBJECTS_A_TASK;

  private final TuneQdmConfig config;
  private final OnDemandSpark spark;
  private final PrintStream out;
  private final int largestListed;

  /**
   * @param out for messages
   * @param largestListed subjects of the largest run whose plan lies in memory
   */
  RunPlanner(TuneQdmConfig config, OnDemandSpark spark, PrintStream out, int largestListed) {
    this.config = config;
    this.spark = spark;
    this.out = out;
    this.largestListed = largestListed;
  }

  PlannedRun plan(Configuration hadoop) {
    SubjectIndex index = SubjectCatalog.index(config, hadoop, config.dataNames());
    return index.names().size() <= largestListed ? listed(index, hadoop) : large(index, hadoop);
  }

  private PlannedRun listed(SubjectIndex index, Configuration hadoop) {
    int count = index.names().size();
    List<SubjectEntry> subjects = SubjectCatalog.entries(config, hadoop, index.page(0, count));
    QuantizeBaseJob.Result base = new QuantizeBaseJob(config, spark, out).run();
    String modelHash = BaseModel.hash(config.modelBase(), hadoop);
    RunPlan plan = RunPlan.of(config, base.id(), modelHash, subjects);
    RunFolder run = RunFolder.of(config.storageRuns(), plan.runId(), hadoop);
    if (Packer.isOpen(config)) { // decided once, when the run is started
      RunPlan usual = plan;
      plan = run.plan().orElseGet(() -> usual.in(packer(count), subjects));
    }
    return new PlannedRun(plan, run, base.folder(), Batches.of(plan.batchesOf(subjects)));
  }

  private PlannedRun large(SubjectIndex index, Configuration hadoop) {
    QuantizeBaseJob.Result base = new QuantizeBaseJob(config, spark, out).run();
    int count = index.names().size();
    out.println("Planning %,d subjects ...".formatted(count));
    RunId id = new RunId(config, base.id(), BaseModel.hash(config.modelBase(), hadoop));
    try (PlanTable.Draft draft = new PlanTable.Draft(packer(count))) {
      look(
          index,
          subject -> {
            id.add(subject);
            draft.add(subject);
          });
      Path table = draft.finished();
      RunPlan drafted = RunPlan.large(config, id.digits(), base.id(), count, draft.batches());
      RunFolder run = RunFolder.of(config.storageRuns(), drafted.runId(), hadoop);
      run.publishTable(table);
      RunPlan plan = run.plan().orElse(drafted);
      Batches batches = PlanTable.read(run.fileSystem(), run.path(RunPlan.TABLE_FILE));
      return new PlannedRun(plan, run, base.folder(), batches);
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
    for (int from = 0; from < count; from += SUBJECTS_A_STAGE) {
      int end = Math.min(count, from + SUBJECTS_A_STAGE);
      List<SubjectIndex.Page> pages = new ArrayList<>();
      for (int start = from; start < end; start += SUBJECTS_A_TASK) {
        pages.add(index.page(start, Math.min(end, start + SUBJECTS_A_TASK)));
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
}
