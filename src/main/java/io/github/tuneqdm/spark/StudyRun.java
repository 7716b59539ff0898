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

/**
 * One run of a study: quantises, trains and evaluates in the application that is there. Each job
 * goes on where it was, so a run that is done is done again in seconds.
 */
final class StudyRun {
  /** One at a time: cells share bases, and a base is swept when it is finished. */
  private static final Object QUANTISING = new Object();

  private static final int DEEPEST_CAUSE = 50;

  private final OnDemandSpark spark;
  private final PrintStream progress;
  private final PrintStream out;

  /**
   * @param progress for the line that says how far training is
   * @param out for messages
   */
  StudyRun(OnDemandSpark spark, PrintStream progress, PrintStream out) {
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

  /**
   * @throws TuneQdmException where the run as a whole fails, or a machine failed a subject
   */
  Outcome run(TuneQdmConfig config) {
    try {
      return LogContext.around("", () -> done(config));
    } catch (Exception e) { // Spark throws checked ones and does not say so
      throw foreseen(e);
    }
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

  /** Spark wraps what a task threw; ours is somewhere down the chain. */
  private static TuneQdmException foreseen(Exception failure) {
    Throwable cause = failure;
    for (int depth = 0; cause != null && depth < DEEPEST_CAUSE; depth++) {
      if (cause instanceof TuneQdmException ours) {
        return ours;
      }
      cause = cause.getCause();
    }
    return TuneQdmException.environment(
        failure.toString().lines().findFirst().orElse("no reason was given"), failure);
  }
}
