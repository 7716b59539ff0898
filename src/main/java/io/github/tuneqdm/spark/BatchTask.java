package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.parallel.Ahead;
import io.github.tuneqdm.spark.plugin.WorkerMetrics;
import io.github.tuneqdm.storage.SafetensorsWriter;
import io.github.tuneqdm.tuning.Subject;
import io.github.tuneqdm.tuning.SubjectTuner;
import io.github.tuneqdm.tuning.TuningMethod;
import io.github.tuneqdm.tuning.TuningMethod.Trained;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains one batch of subjects in one Spark task. All members take part, so that the batch gives
 * the same bytes however often it runs; only those that the run still misses are published.
 *
 * @param index of the batch in the plan
 * @param members in the plan's order
 * @param missing names of the members to publish
 * @param lastAttempt how often Spark tries a task, less one: then a failure is the subjects' own
 */
record BatchTask(
    RunPlan plan,
    TuneQdmConfig config,
    String quantizedBase,
    int index,
    List<SubjectEntry> members,
    Set<String> missing,
    int lastAttempt)
    implements Serializable {
  private static final Logger LOG = LoggerFactory.getLogger(BatchTask.class);
  private static final int PUBLISHED_AHEAD = 16;

  /**
   * How a subject ended.
   *
   * @param cause what its failure is, as an exit code: bad input, a machine, or its own
   */
  record Outcome(SubjectStatus status, ExitCode cause) implements Serializable {}

  List<Outcome> run(TaskEnvironment environment, ProgressAccumulator progress) {
    LogContext.subjects(members.stream().map(SubjectEntry::name).toList());
    RunFolder run = RunFolder.of(config.storageRuns(), plan.runId(), environment.hadoop());
    Map<String, Outcome> outcomes = new LinkedHashMap<>();
    List<SubjectEntry> readable = new ArrayList<>();
    List<Subject> subjects = new ArrayList<>();
    Map<String, List<RejectedPhoto>> rejects = new LinkedHashMap<>();
    for (SubjectEntry member : members) {
      try {
        subjects.add(read(member, run, environment.hadoop(), rejects));
        readable.add(member);
      } catch (TuneQdmException e) {
        if (e.exitCode() == ExitCode.ENVIRONMENT && !isLastAttempt()) {
          throw e;
        }
        fail(outcomes, run, member.name(), e.getMessage(), e.exitCode());
        if (stops(outcomes)) {
          return List.copyOf(outcomes.values());
        }
      }
    }
    Map<String, SubjectStatus> diverged = diverged(readable, run);
    boolean hopeless =
        readable.stream()
            .map(SubjectEntry::name)
            .filter(missing::contains)
            .allMatch(diverged::containsKey);
    if (hopeless) {
      diverged.forEach(
          (name, status) -> outcomes.put(name, new Outcome(status, ExitCode.SOME_SUBJECTS_FAILED)));
    } else {
      try {
        train(readable, subjects, rejects, environment, progress, run, outcomes);
      } catch (RuntimeException e) {
        // Bad input or configuration stops the job; what this machine did is tried on another.
        boolean refused =
            e instanceof TuneQdmException known && known.exitCode() != ExitCode.ENVIRONMENT;
        if (refused || e instanceof TaskKilledException || !isLastAttempt()) {
          throw e;
        }
        String cause = e instanceof TuneQdmException ? e.getMessage() : e.toString();
        readable.stream()
            .map(SubjectEntry::name)
            .filter(name -> !outcomes.containsKey(name)) // those that were published stay done
            .forEach(name -> fail(outcomes, run, name, cause, ExitCode.ENVIRONMENT));
      }
    }
    return members.stream()
        .map(member -> outcomes.get(member.name()))
        .filter(Objects::nonNull)
        .toList();
  }

  /** Those of whom an earlier attempt of the same run has said that they cannot be trained. */
  private Map<String, SubjectStatus> diverged(List<SubjectEntry> readable, RunFolder run) {
    Map<String, SubjectStatus> diverged = new LinkedHashMap<>();
    for (SubjectEntry member : readable) {
      if (missing.contains(member.name())) {
        run.subjectStatus(member.name())
            .filter(SubjectStatus::hasDiverged)
            .ifPresent(status -> diverged.put(member.name(), status));
      }
    }
    return diverged;
  }

  private boolean stops(Map<String, Outcome> outcomes) {
    return config.runFailFast() && outcomes.values().stream().anyMatch(o -> !o.status().isDone());
  }

  private void train(
      List<SubjectEntry> entries,
      List<Subject> subjects,
      Map<String, List<RejectedPhoto>> rejects,
      TaskEnvironment environment,
      ProgressAccumulator progress,
      RunFolder run,
      Map<String, Outcome> outcomes) {
    List<String> names = entries.stream().map(SubjectEntry::name).toList();
    AtomicReference<Speedometer> speedometer = new AtomicReference<>();
    WorkerMetrics metrics = WorkerMetrics.ofThisJvm();
    metrics.started(index, subjects.size(), 0);
    StateFolder states = new StateFolder(run, plan, index, names, config);
    try {
      List<MethodTrainer.Result> trained;
      try (states) {
        trained =
            new MethodTrainer(config, quantizedBase, environment)
                .train(
                    subjects,
                    states,
                    gpuBytes -> {
                      speedometer.set(new Speedometer(names, System::nanoTime, gpuBytes));
                      return reporter(progress, metrics, speedometer.get());
                    });
      }
      publish(entries, trained, rejects, run, outcomes);
      Optional.ofNullable(speedometer.get())
          .flatMap(Speedometer::speed)
          .ifPresent(speed -> run.publishSpeed(index, speed));
      if (trained.stream().allMatch(MethodTrainer.Result::isFinished)) {
        states.delete();
      }
    } finally {
      metrics.ended(index);
    }
  }

  /** Some at a time: storage lets each wait, and the device waits for all. */
  private void publish(
      List<SubjectEntry> entries,
      List<MethodTrainer.Result> trained,
      Map<String, List<RejectedPhoto>> rejects,
      RunFolder run,
      Map<String, Outcome> outcomes) {
    List<Integer> finished = new ArrayList<>();
    for (int i = 0; i < trained.size(); i++) {
      MethodTrainer.Result subject = trained.get(i);
      if (subject.failure().isPresent()) {
        SubjectStatus status = SubjectStatus.diverged(subject.name(), subject.failure().get());
        fail(outcomes, run, status, ExitCode.SOME_SUBJECTS_FAILED);
      } else if (subject.tensors().isPresent() && missing.contains(subject.name())) {
        finished.add(i);
      }
    }
    RuntimeException first = null;
    try (Ahead<SubjectStatus> published =
        Ahead.counted(
            finished,
            i -> {
              MethodTrainer.Result subject = trained.get(i);
              if (config.runTensorboard()) {
                run.publishEvents(subject.name(), subject.steps()); // before the status vouches
              }
              return run.publish(
                  new TrainedSubject(
                      subject.name(),
                      SafetensorsWriter.toBuffers(
                          subject.tensors().orElseThrow().get(), metadata(entries.get(i))),
                      subject.trainedParameters(),
                      subject.steps(),
                      rejects.get(subject.name())));
            },
            PUBLISHED_AHEAD)) {
      for (int i : finished) {
        try {
          SubjectStatus status = published.next();
          outcomes.put(status.subject(), new Outcome(status, ExitCode.DONE));
          WorkerMetrics.ofThisJvm().subjectDone();
          LogContext.subject(status.subject());
          LOG.info("Published what was trained of {}", status.subject());
        } catch (RuntimeException e) {
          first = first == null ? e : first; // what the others published stands
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }

  private SubjectTuner.Progress reporter(
      ProgressAccumulator progress, WorkerMetrics metrics, Speedometer speedometer) {
    TaskContext task = TaskContext.get();
    return new SubjectTuner.Progress() {
      @Override
      public void started(int done) {
        speedometer.started(done);
      }

      @Override
      public void stepped(int step, double meanLoss) {
        task.killTaskIfInterrupted(); // nobody waits for it any more
        progress.add(new BatchProgress(index, step, meanLoss));
        metrics.stepped(index, step, meanLoss, speedometer.stepped(step));
      }

      @Override
      public boolean goesOn(int diverged) {
        return diverged == 0 || !config.runFailFast();
      }
    };
  }

  private void fail(
      Map<String, Outcome> outcomes, RunFolder run, String name, String why, ExitCode cause) {
    fail(outcomes, run, SubjectStatus.failed(name, why), cause);
  }

  private void fail(
      Map<String, Outcome> outcomes, RunFolder run, SubjectStatus failed, ExitCode cause) {
    String name = failed.subject();
    if (missing.contains(name)) {
      WorkerMetrics.ofThisJvm().subjectFailed();
      LogContext.subject(name);
      LOG.warn("{} failed: {}", name, failed.failure());
      outcomes.put(name, new Outcome(failed, cause));
      try {
        run.publishFailure(failed);
      } catch (TuneQdmException e) {
        // A full disk has no room for its own story either; the driver tells it.
        if (cause != ExitCode.ENVIRONMENT) {
          throw e;
        }
      }
    }
  }

  private boolean isLastAttempt() {
    return TaskContext.get().attemptNumber() >= lastAttempt;
  }

  private Subject read(
      SubjectEntry subject,
      RunFolder run,
      Configuration hadoop,
      Map<String, List<RejectedPhoto>> rejects) {
    SubjectPhotos photos = SubjectPhotos.read(subject, config, hadoop);
    rejects.put(subject.name(), photos.rejects());
    List<RgbImage> classImages =
        config.tuningPriorPreservationEnabled()
            ? ClassImages.read(run, config, subject)
            : List.of();
    return new Subject(
        subject.name(),
        subject.instancePrompt(),
        photos.pictures(),
        subject.classPrompt(),
        classImages,
        subject.overrides());
  }

  /** What a reader of the file has to know; the same for every attempt. */
  private Map<String, String> metadata(SubjectEntry subject) {
    Map<String, String> metadata = new LinkedHashMap<>();
    TuningMethod method = Recipe.method(config);
    metadata.put(
        "format",
        switch (method.trained()) {
          case NOTHING -> "tuneqdm-nothing-1";
          case SCALES -> "tuneqdm-deltas-1";
          case WEIGHTS -> Recipe.lowRank(config).isPresent() ? "tuneqdm-lora-1" : "tuneqdm-unet-1";
        });
    metadata.put("method", config.tuningMethod());
    metadata.put("run", plan.runId());
    metadata.put("base", plan.baseId());
    metadata.put("subject", subject.name());
    metadata.put("class", subject.classNoun());
    metadata.put("identifier", subject.identifier());
    metadata.put("prompt", subject.instancePrompt());
    if (method.trained() != Trained.NOTHING) {
      metadata.put("step", Integer.toString(config.tuningSteps()));
    }
    if (method.trained() == Trained.SCALES) {
      metadata.put("experts", Integer.toString(config.tuningExperts()));
    }
    Recipe.lowRank(config)
        .ifPresent(
            lowRank -> {
              metadata.put("rank", Integer.toString(lowRank.rank()));
              metadata.put("alpha", Double.toString(lowRank.alpha()));
            });
    if (!subject.overrides().values().isEmpty()) {
      metadata.put("overrides", subject.overrides().toString());
    }
    metadata.put("config", config.renderOnly(RunPlan.DETERMINING));
    return metadata;
  }
}
