package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.StudySettings;
import io.github.tuneqdm.config.StudySettings.Cell;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.EvaluationProtocol;
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
 * what they come to. Its runs are ordinary runs: started again, it repeats none of them. A cell
 * that fails is a row with its cause and keeps no other from its work.
 */
public final class StudyJob {
  private final StudySettings study;
  private final OnDemandSpark spark;
  private final PrintStream progress;
  private final PrintStream out;

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
    config.modelDino();
    config.modelClip();
    config.evaluatePrompts();
    List<String> subjects = subjects(hadoop);
    List<Choice> choices =
        study.search().map(search -> Choice.of(search, subjects)).orElse(List.of());
    StudyCell.Plan plan =
        new StudyCell.Plan(subjects, study.seeds(), study.search(), choices, score);
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
        RunLease.take(folder.folder(), config.storageLeaseSeconds(), spark::cancel, out)) {
      return lease.guard(() -> work(plan, folder));
    }
  }

  /** Those that the study names, else those of the configuration but for who chooses rates. */
  private List<String> subjects(Configuration hadoop) {
    List<String> searching = study.search().map(StudySettings.Search::subjects).orElse(List.of());
    TuneQdmConfig config = study.shared();
    if (!searching.isEmpty()) {
      SubjectCatalog.index(config, hadoop, searching);
    }
    List<String> wanted = study.subjects().isEmpty() ? config.dataNames() : study.subjects();
    TreeSet<String> subjects = new TreeSet<>(SubjectCatalog.index(config, hadoop, wanted).names());
    searching.forEach(subjects::remove);
    if (subjects.isEmpty()) {
      throw TuneQdmException.usage(
          "Cannot make a table without subjects: all of them choose learning rates (tuneqdm.study.search.subjects)");
    }
    return List.copyOf(subjects);
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
        folder.writeSpeeds(folder.withEarlier(speeds(done)));
        out.println("%d of %d cells: %s".formatted(i + 1, outcomes.size(), line(outcome)));
      }
    } finally {
      workers.shutdownNow();
    }
    return written(plan, folder, done);
  }

  private int parallel() {
    return Math.min(study.shared().studyParallel(), study.cells().size());
  }

  private StudyRun runs(Cell cell) {
    PrintStream ofCell =
        parallel() == 1 ? progress : new PrintStream(OutputStream.nullOutputStream());
    return new StudyRun(spark, ofCell, LinePrefix.of("[" + cell.name() + "] ", out));
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
    if (done.values().stream().noneMatch(StudyCell.Outcome::hasFailures)) {
      return ExitCode.DONE;
    }
    if (done.values().stream().anyMatch(StudyCell.Outcome::hasScores)) {
      return ExitCode.SOME_SUBJECTS_FAILED;
    }
    return done.values().stream().allMatch(StudyCell.Outcome::environment)
        ? ExitCode.ENVIRONMENT
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
    Map<String, String> shared = new LinkedHashMap<>();
    study
        .shared()
        .renderOnly(RunPlan.DETERMINING)
        .lines()
        .map(line -> line.split(" = ", 2))
        .forEach(pair -> shared.put(pair[0], pair[1]));
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
        shared,
        done.values().stream().map(StudyCell.Outcome::cell).toList());
  }
}
