package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.EvaluationProtocol;
import io.github.tuneqdm.metrics.ScoreTable;
import io.github.tuneqdm.metrics.ScoreTable.SubjectMean;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;

/**
 * One run of a study: quantises, trains and evaluates in the application that is there. Each job
 * goes on where it was, so a run that is done is done again in seconds.
 */
final class StudyRun {
  /** One at a time: cells share bases, and a base is swept when it is finished. */
  private static final Object QUANTISING = new Object();

  /** One cell at a time works on a run: cells may share one, such as a rate that both try. */
  private static final Map<String, Object> RUNS = new ConcurrentHashMap<>();

  private final OnDemandSpark spark;
  private final BooleanSupplier stopped;
  private final PrintStream progress;
  private final PrintStream out;

  /**
   * @param stopped whether no further run may begin
   * @param progress for the line that says how far training is
   * @param out for messages
   */
  StudyRun(OnDemandSpark spark, BooleanSupplier stopped, PrintStream progress, PrintStream out) {
    this.stopped = stopped;
    this.spark = spark;
    this.progress = progress;
    this.out = out;
  }

  /**
   * A run that came to its end.
   *
   * @param means of the subjects that did not fail
   * @param failures why the others did
   * @param protocol how it was evaluated; nothing where all failed
   * @param seconds that it took, where there was anything to do
   */
  record Outcome(
      RunFolder run,
      String baseId,
      List<SubjectMean> means,
      Map<String, String> failures,
      Optional<EvaluationProtocol> protocol,
      Optional<Double> seconds) {}

  /** What a study ends with that has not held its folder all the time. */
  static TuneQdmException lost() {
    return TuneQdmException.environment(
        "Cannot go on with the study: its lease could not be renewed in time, another driver may have it (start again to go on where it is now)");
  }

  /**
   * @throws TuneQdmException where the run as a whole fails, or a machine failed a subject
   * @throws RuntimeException where nobody foresaw what went wrong
   */
  Outcome run(TuneQdmConfig config) {
    if (stopped.getAsBoolean()) {
      throw lost();
    }
    String key = config.renderOnly(RunPlan.DETERMINING) + config.dataNames();
    synchronized (RUNS.computeIfAbsent(key, k -> new Object())) {
      try {
        return LogContext.around("", () -> done(config));
      } catch (Exception e) { // Spark throws checked ones and does not say so
        Optional<TuneQdmException> foreseen = TuneQdmException.inside(e);
        if (foreseen.isPresent()) {
          throw foreseen.get();
        }
        if (e instanceof RuntimeException unforeseen) {
          throw unforeseen;
        }
        throw TuneQdmException.environment(firstLine(e), e);
      }
    }
  }

  private static String firstLine(Exception failure) {
    return failure.toString().lines().findFirst().orElse("no reason was given");
  }

  private Outcome done(TuneQdmConfig config) {
    long start = System.nanoTime();
    synchronized (QUANTISING) {
      new QuantizeBaseJob(config, spark, out).run();
    }
    TrainAllSubjectsJob.Result trained =
        new TrainAllSubjectsJob(config, spark, progress, out).run();
    if (trained.exitCode() == ExitCode.ENVIRONMENT) {
      Map.Entry<String, String> first = trained.failures().entrySet().iterator().next();
      throw TuneQdmException.environment(
          "Cannot train %s in run %s: %s"
              .formatted(first.getKey(), trained.runId(), first.getValue()));
    }
    RunFolder run =
        RunFolder.of(config.storageRuns(), trained.runId(), SparkApplication.hadoopConfiguration());
    String baseId = run.planOrRefuse().baseId();
    if (trained.exitCode() == ExitCode.ALL_SUBJECTS_FAILED) {
      return new Outcome(
          run, baseId, List.of(), trained.failures(), Optional.empty(), Optional.empty());
    }
    EvaluateJob.Result evaluated = new EvaluateJob(config, spark, out).run(run);
    boolean worked = !trained.trained().isEmpty() || evaluated.sampled() > 0;
    Map<String, String> failures = new TreeMap<>(trained.failures());
    failures.putAll(evaluated.failures());
    ScoreTable table = evaluated.table();
    return new Outcome(
        run,
        baseId,
        table.subjectMeans(),
        failures,
        Optional.of(
            EvaluationProtocol.fromJson(
                run.read("protocol.json"), run.path("protocol.json").toString())),
        worked ? Optional.of((System.nanoTime() - start) * 1e-9) : Optional.empty());
  }
}
