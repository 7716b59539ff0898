package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.EvaluationProtocol;
import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.ScoreTable;
import io.github.tuneqdm.metrics.SubjectScores;
import io.github.tuneqdm.metrics.TokenRule;
import io.github.tuneqdm.report.ReportData;
import io.github.tuneqdm.storage.Hashes;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;

/**
 * Samples pictures of a run's subjects, scores them against photos and prompts, and writes tables
 * and a report. What is already there is not done again, as long as the protocol is the same.
 */
public final class EvaluateJob {
  private static final String NAME = "evaluate";

  private static final List<String> SAMPLED_AS_TRAINED =
      List.of(
          "tuneqdm.data.resolution",
          "tuneqdm.quantizer.",
          "tuneqdm.tuning.method",
          "tuneqdm.tuning.lora.",
          "tuneqdm.tuning.experts");
  private static final long LARGEST_TEXT = 1 << 20;

  private final TuneQdmConfig config;
  private final OnDemandSpark spark;
  private final PrintStream out;

  /**
   * @param config of the run; its evaluation settings may differ from those it was trained with
   * @param out for messages
   */
  public EvaluateJob(TuneQdmConfig config, OnDemandSpark spark, PrintStream out) {
    this.config = config;
    this.spark = spark;
    this.out = out;
  }

  /**
   * What the run holds now.
   *
   * @param report the page's path
   * @param sampled pictures that this call made
   * @param scored pictures that this call scored
   * @param table means a subject and a method
   * @param together what there is to say of each subject and method besides
   * @param failures subjects that were not evaluated, since their training failed
   */
  public record Result(
      String runId,
      String report,
      int sampled,
      int scored,
      ScoreTable table,
      List<SubjectScores> together,
      Map<String, String> failures) {

    public ExitCode exitCode() {
      return failures.isEmpty() ? ExitCode.DONE : ExitCode.SOME_SUBJECTS_FAILED;
    }
  }

  public Result run(RunFolder run) {
    try (RunLease lease = RunLease.take(run, config.storageLeaseSeconds(), spark::cancel, out)) {
      return lease.guard(() -> evaluate(run));
    }
  }

  private Result evaluate(RunFolder run) {
    Configuration hadoop = SparkApplication.hadoopConfiguration();
    LogContext.run(run.id());
    RunPlan trained = run.planOrRefuse();
    requireSettings(run);
    Map<String, String> failures = new TreeMap<>();
    List<String> names = new ArrayList<>();
    for (String name : subjectsOf(trained)) {
      if (run.isDone(name)) {
        names.add(name);
      } else {
        failures.put(
            name,
            run.subjectStatus(name).map(SubjectStatus::failure).orElse("it was not trained yet"));
      }
    }
    if (names.isEmpty()) {
      throw TuneQdmException.inputData(
          "Cannot evaluate %s: none of its subjects is trained (run train-all-subjects again)"
              .formatted(run.root()));
    }
    List<SubjectEntry> subjects = new ArrayList<>();
    for (SubjectEntry subject : SubjectCatalog.read(config, hadoop, names)) {
      SubjectEntry shown = subject.without(run.rejects(subject.name()));
      if (shown.photos().isEmpty()) {
        failures.put(
            subject.name(),
            "there are no photos of it any more in %s to compare with"
                .formatted(config.dataSubjects()));
      } else {
        subjects.add(shown);
      }
    }
    EvaluationProtocol protocol = protocol(trained, hadoop);
    EvaluationPlan plan =
        EvaluationPlan.of(
            protocol,
            methods(),
            subjects,
            config.evaluateBatchSize(),
            config.evaluatePriorImages());
    run.sweepOld();
    RunIndex index = new RunIndex(run, spark);
    if (!run.uses(protocol)) {
      index.withdraw();
    }
    run.useProtocol(protocol, out);

    Set<String> missing = missing(run, plan);
    if (!missing.isEmpty()) {
      index.withdraw();
    }
    int sampled = missing.isEmpty() ? 0 : sample(run, trained, plan, missing, failures);
    SubjectScoreTable allTogether = SubjectScoreTable.read(run);
    SubjectScoreTable knownTogether = allTogether.against(subjects);
    ShownScores stored = ShownScores.of(run).without(missing).only(knownTogether);
    List<ScoreRow> known = stored.rows();
    ScoringTask.Scored now = scores(run, plan, subjects, known, knownTogether, failures);
    List<ScoreRow> rows = now.rows();
    Set<ScoreRow> before = new HashSet<>(known);
    int scored = (int) rows.stream().filter(row -> !before.contains(row)).count();
    ScoreTable table = ScoreTable.summarise(rows);
    SubjectScoreTable together = new SubjectScoreTable(now.together()).and(knownTogether);
    if (!together.equals(allTogether)) {
      index.withdraw();
      together.write(run);
    }
    if (sampled > 0 || scored > 0) {
      index.withdraw();
      stored.with(rows, run).write(run);
    }
    ShownScores shown = ShownScores.of(run).only(rows);
    Thumbnails thumbnails = new Thumbnails(run);
    thumbnails.make(subjects, shown.images(), config, spark, index);
    new RunReport(run, config).write(subjects, shown, failures, thumbnails, index);
    run.sweepAll("images", "baselines", "report");
    index.complete();
    return new Result(
        run.id(),
        run.path(RunReport.PATH).toString(),
        sampled,
        scored,
        table,
        now.together(),
        failures);
  }

  private List<String> subjectsOf(RunPlan trained) {
    if (!trained.isLarge()) {
      return trained.subjects();
    }
    if (config.dataNames().isEmpty()) {
      throw TuneQdmException.usage(
          "Cannot evaluate all %,d subjects of run %s on one page: name those to evaluate"
                  .formatted(trained.table().subjects(), trained.runId())
              + " (tuneqdm.data.names)");
    }
    return config.dataNames();
  }

  /** What was trained is only sampled as it was trained. */
  private void requireSettings(RunFolder run) {
    List<String> changes =
        run.configuration()
            .map(settings -> ContinuedRun.changes(run, settings, config, SAMPLED_AS_TRAINED))
            .orElse(List.of());
    if (!changes.isEmpty()) {
      throw TuneQdmException.usage(
          "Cannot evaluate the run %s: it was trained with other settings: %s (restore them, or leave out --config: the run has its own)"
              .formatted(run.root(), String.join("; ", changes)));
    }
  }

  private List<String> methods() {
    String own = Recipe.shownMethod(config);
    return config.evaluateBaselines()
        ? Stream.of(Methods.UNTUNED, Methods.QUANTISED_UNTUNED, own).distinct().toList()
        : List.of(own);
  }

  private EvaluationProtocol protocol(RunPlan trained, Configuration hadoop) {
    Path dino = LocalFolders.of(config.modelDino(), hadoop);
    Path clip = LocalFolders.of(config.modelClip(), hadoop);
    Map<String, String> preprocessing = new TreeMap<>();
    preprocessing.put("dino", preprocessing(dino));
    preprocessing.put("clip", preprocessing(clip));
    Map<String, String> hashes = new TreeMap<>();
    hashes.put("base", trained.baseId());
    hashes.put("dino", Hashes.sha256OfFolder(dino));
    hashes.put("clip", Hashes.sha256OfFolder(clip));
    EvaluationPrompts prompts = EvaluationPrompts.read(config, hadoop);
    return new EvaluationProtocol(
        prompts.prompts(),
        TokenRule.SCORE_WITHOUT_IDENTIFIER,
        config.evaluateImagesPerPrompt(),
        config.evaluateSampler(),
        config.evaluateSteps(),
        config.evaluateGuidance(),
        config.evaluateSeed(),
        preprocessing,
        hashes,
        prompts.live());
  }

  private static String preprocessing(Path encoder) {
    Path file = encoder.resolve("preprocessor_config.json");
    try {
      if (Files.isRegularFile(file) && Files.size(file) > LARGEST_TEXT) {
        throw TuneQdmException.inputData("Cannot read " + file + ": it is larger than 1 MiB");
      }
      return Files.isRegularFile(file)
          ? Files.readString(file).replaceAll("\\s+", " ").strip()
          : "the encoder's usual one";
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read " + file + ": " + e, e);
    }
  }

  private static Set<String> missing(RunFolder run, EvaluationPlan plan) {
    Map<String, Set<String>> there = new LinkedHashMap<>();
    Set<String> missing = new HashSet<>();
    for (PlannedImage image : plan.images()) {
      String folder = PlannedImage.folder(image.method(), image.subject());
      if (!there.computeIfAbsent(folder, run::list).contains(image.path())) {
        missing.add(image.path());
      }
    }
    return missing;
  }

  private int sample(
      RunFolder run,
      RunPlan trained,
      EvaluationPlan plan,
      Set<String> missing,
      Map<String, String> failures) {
    SparkApplication application = spark.get();
    String base = config.storageBases() + "/base-" + trained.baseId();
    String source = OpenBase.source(base, SparkApplication.hadoopConfiguration());
    List<List<PlannedImage>> chunks =
        plan.chunks().stream()
            .filter(chunk -> chunk.stream().anyMatch(image -> missing.contains(image.path())))
            .toList();
    List<SamplingTask> tasks = new ArrayList<>();
    for (List<List<PlannedImage>> share : shares(chunks, application.slots())) {
      Set<String> own =
          share.stream()
              .flatMap(List::stream)
              .map(PlannedImage::path)
              .filter(missing::contains)
              .collect(Collectors.toCollection(HashSet::new));
      tasks.add(new SamplingTask(run.id(), base, source, config, share, own));
    }
    out.println("Sampling %d pictures ...".formatted(missing.size()));
    long before = run.count(PlannedImage.FOLDERS);
    long there = plan.images().size() - missing.size();
    LiveReport live =
        live(
            run,
            failures,
            "Sampling",
            "pictures are there",
            plan.images().size(),
            () -> there + run.count(PlannedImage.FOLDERS) - before);
    try (live) {
      return application
          .fanOut(
              NAME + "-sample",
              "sample %d pictures".formatted(missing.size()),
              DeviceDemand.ENGINE,
              tasks,
              (task, environment) -> task.run(environment))
          .stream()
          .mapToInt(Integer::intValue)
          .sum();
    }
  }

  /** The page of what goes on, until it is closed. */
  private LiveReport live(
      RunFolder run,
      Map<String, String> failures,
      String activity,
      String unit,
      long total,
      LongSupplier done) {
    RunReport report = new RunReport(run, config);
    return new LiveReport(
        () ->
            report.write(
                new ReportData.Progress(
                    activity,
                    Math.min(total, done.getAsLong()),
                    total,
                    unit,
                    "Scores and pictures are shown once all are there.",
                    Instant.now(),
                    List.of()),
                failures),
        LiveReport.USUAL);
  }

  /** At most so many runs of neighbouring chunks; kinds of networks do not mix. */
  static List<List<List<PlannedImage>>> shares(List<List<PlannedImage>> chunks, int most) {
    List<List<List<PlannedImage>>> shares = new ArrayList<>();
    for (PlannedImage.Network network : PlannedImage.Network.values()) {
      List<List<PlannedImage>> same =
          chunks.stream().filter(chunk -> chunk.get(0).network() == network).toList();
      int length = Math.max(1, (same.size() + most - 1) / Math.max(1, most));
      for (int start = 0; start < same.size(); start += length) {
        shares.add(List.copyOf(same.subList(start, Math.min(same.size(), start + length))));
      }
    }
    return shares;
  }

  /**
   * One row an image of the plan, and one a subject and method; subjects whose rows are known are
   * not scored.
   */
  private ScoringTask.Scored scores(
      RunFolder run,
      EvaluationPlan plan,
      List<SubjectEntry> subjects,
      List<ScoreRow> known,
      SubjectScoreTable knownTogether,
      Map<String, String> failures) {
    List<String> methods = methods();
    int priorImages = config.evaluatePriorImages();
    List<SubjectScores> together = new ArrayList<>();
    Map<String, ScoreRow> byPath = new LinkedHashMap<>();
    known.forEach(row -> byPath.put(row.imagePath(), row));
    List<ScoringTask> tasks = new ArrayList<>();
    for (SubjectEntry subject : subjects) {
      List<PlannedImage> images =
          plan.images().stream().filter(i -> i.subject().equals(subject.name())).toList();
      ScoringTask task = ScoringTask.of(run.id(), config, subject, images);
      List<SubjectScores> own = knownTogether.of(subject.name(), methods, priorImages);
      if (own.size() == methods.size()
          && task.images().stream().allMatch(image -> byPath.containsKey(image.path()))) {
        together.addAll(own);
      } else {
        tasks.add(task);
      }
    }
    if (!tasks.isEmpty()) {
      out.println("Scoring pictures of %d subjects ...".formatted(tasks.size()));
      AtomicInteger done = new AtomicInteger();
      LiveReport live =
          live(run, failures, "Scoring", "subjects are scored", tasks.size(), done::get);
      try (live) {
        spark
            .get()
            .fanOut(
                NAME + "-score",
                "score pictures of %d subjects".formatted(tasks.size()),
                DeviceDemand.ENGINE,
                tasks,
                (task, environment) -> task.run(environment),
                scored -> {
                  // A known row stays: scored in another company, it could differ in its last
                  // digit.
                  scored.rows().forEach(row -> byPath.putIfAbsent(row.imagePath(), row));
                  together.addAll(scored.together());
                  done.incrementAndGet();
                  return true;
                });
      }
    }
    return new ScoringTask.Scored(
        plan.scored().stream()
            .map(image -> byPath.get(image.path()))
            .sorted(ShownScores.ORDER)
            .toList(),
        new SubjectScoreTable(together).rows());
  }
}
