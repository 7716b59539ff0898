package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.StudySettings;
import io.github.tuneqdm.config.StudySettings.Cell;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.EvaluationProtocol;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.study.Choice;
import io.github.tuneqdm.study.RateScore;
import io.github.tuneqdm.study.SearchRow;
import io.github.tuneqdm.study.SpeedRow;
import io.github.tuneqdm.study.StudyProtocol;
import io.github.tuneqdm.study.StudyRow;
import io.github.tuneqdm.study.StudyTable;
import io.github.tuneqdm.study.StudyTable.CellSummary;
import io.github.tuneqdm.study.StudyText;
import io.github.tuneqdm.tuning.SubjectOverrides.Key;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * Trains and evaluates every cell of a study with every seed, in one Spark application, and writes
 * what they come to. Its runs are ordinary runs: started again, it repeats none that is done; of a
 * run with a failed subject, that subject's batch. A cell that fails is a row with its cause and
 * keeps no other from its work.
 */
public final class StudyJob {
  private final StudySettings study;
  private final OnDemandSpark spark;
  private final PrintStream progress;
  private final PrintStream out;
  private volatile boolean stopped;

  /**
   * @param progress for the line that says how far training is
   * @param out for messages
   */
  public StudyJob(StudySettings study, OnDemandSpark spark, PrintStream progress, PrintStream out) {
    this.study = study;
    this.spark = spark;
    this.progress = progress;
    this.out = out;
  }

  /**
   * What the study says.
   *
   * @param folder of its files
   * @param text the table and the protocol in Markdown
   */
  public record Result(String folder, StudyTable table, String text, ExitCode exitCode) {}

  public Result run() {
    TuneQdmConfig config = study.shared();
    Configuration hadoop = SparkApplication.hadoopConfiguration();
    Optional<RateScore> score = study.search().map(search -> RateScore.parse(search.score()));
    BaseModel.check(config, hadoop); // what every cell needs should fail once
    for (String encoder : List.of(config.modelDino(), config.modelClip())) {
      ModelConfig.read(LocalFolders.of(encoder, hadoop).resolve("config.json"));
    }
    EvaluationPrompts.read(config, hadoop);
    List<String> subjects = subjects(hadoop);
    List<Choice> choices =
        study.search().map(search -> Choice.of(search, subjects)).orElse(List.of());
    StudyCell.Plan plan =
        new StudyCell.Plan(
            subjects,
            study.seeds(),
            study.search(),
            choices,
            score,
            config.values(RunPlan.DETERMINING));
    Path runs = new Path(config.storageRuns());
    Publisher.requireWritable(Publisher.fileSystem(runs, hadoop), runs);
    StudyFolder folder = StudyFolder.of(study, subjects, hadoop);
    out.println(
        "Study %s: %d cells, %d seeds, %d subjects, in %s"
            .formatted(
                study.name(),
                study.cells().size(),
                study.seeds().size(),
                subjects.size(),
                folder.folder().root()));
    try (RunLease lease =
        RunLease.take(folder.folder(), config.storageLeaseSeconds(), this::stop, out)) {
      return lease.guard(() -> work(plan, folder));
    }
  }

  /** Another driver has the study: no run begins any more, and those under way end. */
  private void stop() {
    stopped = true;
    spark.cancel();
  }

  /** Those that the study names, else those of the configuration but for who chooses rates. */
  private List<String> subjects(Configuration hadoop) {
    List<String> searching = study.search().map(StudySettings.Search::subjects).orElse(List.of());
    TuneQdmConfig config = study.shared();
    if (!searching.isEmpty()) {
      refuseOverrides(SubjectCatalog.index(config, hadoop, searching));
    }
    List<String> wanted = study.subjects().isEmpty() ? config.dataNames() : study.subjects();
    SubjectIndex index = SubjectCatalog.index(config, hadoop, wanted);
    refuseOverrides(index);
    TreeSet<String> subjects = new TreeSet<>(index.names());
    searching.forEach(subjects::remove);
    if (subjects.isEmpty()) {
      throw TuneQdmException.usage(
          "Cannot make a table without subjects: all of them choose learning rates (tuneqdm.study.search.subjects)");
    }
    return List.copyOf(subjects);
  }

  /** A subject with a rate or a seed of its own would be the same in all cells. */
  private void refuseOverrides(SubjectIndex index) {
    for (String name : index.names()) {
      for (Key key : List.of(Key.LEARNING_RATE, Key.SEED)) {
        if (index.table().row(name).overrides().values().containsKey(key)) {
          throw TuneQdmException.usage(
              "Cannot study %s: subjects.csv in %s sets its %s, which the study sets for all (empty the field)"
                  .formatted(name, study.shared().dataSubjects(), key));
        }
      }
    }
  }

  private Result work(StudyCell.Plan plan, StudyFolder folder) {
    Map<String, StudyCell.Outcome> done = new LinkedHashMap<>();
    ExecutorService workers = Executors.newFixedThreadPool(parallel(), StudyJob::thread);
    try {
      List<Future<StudyCell.Outcome>> outcomes = new ArrayList<>();
      for (Cell cell : study.cells()) {
        outcomes.add(workers.submit(() -> new StudyCell(cell, plan, runs(cell)).work()));
      }
      for (int i = 0; i < outcomes.size(); i++) {
        StudyCell.Outcome outcome = await(outcomes.get(i));
        done.put(study.cells().get(i).name(), outcome);
        requireOurs();
        folder.writeSpeeds(folder.withEarlier(speeds(done)));
        out.println("%d of %d cells: %s".formatted(i + 1, outcomes.size(), line(outcome)));
      }
    } finally {
      workers.shutdownNow();
    }
    return written(plan, folder, done);
  }

  /** What lies in the folder may be another driver's by now. */
  private void requireOurs() {
    if (stopped) {
      throw StudyRun.lost();
    }
  }

  private int parallel() {
    return Math.min(study.shared().studyParallel(), study.cells().size());
  }

  private StudyRun runs(Cell cell) {
    PrintStream ofCell =
        parallel() == 1 ? progress : new PrintStream(OutputStream.nullOutputStream());
    return new StudyRun(spark, () -> stopped, ofCell, LinePrefix.of("[" + cell.name() + "] ", out));
  }

  private static Thread thread(Runnable work) {
    Thread thread = new Thread(work, "study-cell");
    thread.setDaemon(true);
    return thread;
  }

  private static StudyCell.Outcome await(Future<StudyCell.Outcome> outcome) {
    try {
      return outcome.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw TuneQdmException.environment("Cannot wait for the study's cells: interrupted", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw (RuntimeException) e.getCause(); // a cell throws no other
    }
  }

  private static List<SpeedRow> speeds(Map<String, StudyCell.Outcome> done) {
    return done.values().stream().flatMap(outcome -> outcome.speeds().stream()).toList();
  }

  /** The cell by itself, so that whoever waits sees how it goes. */
  private String line(StudyCell.Outcome outcome) {
    String name = outcome.cell().cell();
    CellSummary alone =
        StudyTable.of(
                List.of(name),
                Optional.empty(),
                study.seeds().size(),
                outcome.rows(),
                outcome.speeds())
            .cells()
            .get(0);
    StringBuilder text = new StringBuilder(name);
    alone
        .scores()
        .forEach(
            (metric, interval) ->
                text.append(", ")
                    .append(metric.label())
                    .append(' ')
                    .append(StudyText.score(interval)));
    alone.failures().stream().findFirst().ifPresent(why -> text.append(", failed: ").append(why));
    return text.toString();
  }

  private Result written(
      StudyCell.Plan plan, StudyFolder folder, Map<String, StudyCell.Outcome> done) {
    requireOurs();
    Comparator<StudyRow> order =
        Comparator.comparing(StudyRow::subject).thenComparing(StudyRow::seed);
    List<StudyRow> rows = new ArrayList<>();
    List<SearchRow> search = new ArrayList<>();
    for (StudyCell.Outcome outcome : done.values()) {
      rows.addAll(outcome.rows().stream().sorted(order).toList());
      search.addAll(outcome.search());
    }
    List<SpeedRow> speeds = folder.withEarlier(speeds(done));
    StudyTable table =
        StudyTable.of(
            List.copyOf(done.keySet()), study.reference(), study.seeds().size(), rows, speeds);
    String text = folder.write(rows, search, protocol(plan, done), table);
    return new Result(folder.folder().root().toString(), table, text, exitCode(done));
  }

  private static ExitCode exitCode(Map<String, StudyCell.Outcome> done) {
    List<StudyCell.Outcome> failed =
        done.values().stream().filter(StudyCell.Outcome::hasFailures).toList();
    if (failed.isEmpty()) {
      return ExitCode.DONE;
    }
    if (failed.stream().allMatch(StudyCell.Outcome::environment)) {
      return ExitCode.ENVIRONMENT; // the same command, once that is mended, does the rest
    }
    return done.values().stream().anyMatch(StudyCell.Outcome::hasScores)
        ? ExitCode.SOME_SUBJECTS_FAILED
        : ExitCode.ALL_SUBJECTS_FAILED;
  }

  private StudyProtocol protocol(StudyCell.Plan plan, Map<String, StudyCell.Outcome> done) {
    String version = StudyJob.class.getPackage().getImplementationVersion();
    Optional<EvaluationProtocol> evaluation =
        done.values().stream()
            .flatMap(outcome -> outcome.protocol().stream())
            .findFirst()
            .map(StudyProtocol::common);
    boolean searched = study.cells().stream().anyMatch(Cell::isSearched);
    return new StudyProtocol(
        study.name(),
        "tuneqdm-spark " + (version == null ? "(not packaged)" : version),
        evaluation.orElse(null),
        evaluation.map(StudyProtocol::sha256).orElse(null),
        plan.seeds(),
        plan.subjects(),
        study.reference().orElse(null),
        searched ? plan.score().map(RateScore::toString).orElse(null) : null,
        searched ? plan.search().map(StudySettings.Search::seed).orElse(null) : null,
        study.shared().values(RunPlan.DETERMINING),
        done.values().stream().map(StudyCell.Outcome::cell).toList());
  }
}
