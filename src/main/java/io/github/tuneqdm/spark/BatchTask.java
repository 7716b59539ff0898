package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.nn.ScaleLayout;
import io.github.tuneqdm.spark.plugin.WorkerMetrics;
import io.github.tuneqdm.storage.SafetensorsWriter;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tuning.Subject;
import io.github.tuneqdm.tuning.SubjectTuner;
import io.github.tuneqdm.tuning.TunedSubject;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
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

  /** How a subject ended, and whether its machine is to blame. */
  record Outcome(SubjectStatus status, boolean environment) implements Serializable {}

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
        boolean machine = e.exitCode() == ExitCode.ENVIRONMENT;
        if (machine && !isLastAttempt()) {
          throw e;
        }
        fail(outcomes, run, member.name(), e.getMessage(), machine);
      }
    }
    if (!subjects.isEmpty()) {
      try {
        train(readable, subjects, rejects, environment, progress, run, outcomes);
      } catch (RuntimeException e) {
        // Bad input or configuration stops the job; what this machine did is tried on another.
        boolean refused =
            e instanceof TuneQdmException known && known.exitCode() != ExitCode.ENVIRONMENT;
        if (refused || !isLastAttempt()) {
          throw e;
        }
        String cause = e instanceof TuneQdmException ? e.getMessage() : e.toString();
        readable.stream()
            .map(SubjectEntry::name)
            .filter(name -> !outcomes.containsKey(name)) // those that were published stay done
            .forEach(name -> fail(outcomes, run, name, cause, true));
      }
    }
    return members.stream()
        .filter(member -> missing.contains(member.name()))
        .map(member -> outcomes.get(member.name()))
        .toList();
  }

  private void train(
      List<SubjectEntry> entries,
      List<Subject> subjects,
      Map<String, List<RejectedPhoto>> rejects,
      TaskEnvironment environment,
      ProgressAccumulator progress,
      RunFolder run,
      Map<String, Outcome> outcomes) {
    PipelineFolder model = new PipelineFolder(environment.local(config.modelBase()));
    AtomicReference<ScaleLayout> layout = new AtomicReference<>();
    WorkerMetrics metrics = WorkerMetrics.ofThisJvm();
    metrics.started(index, subjects.size(), 0);
    try (Compute compute = environment.compute(config)) {
      SubjectTuner tuner =
          new SubjectTuner(
              compute,
              model,
              new SubjectTuner.Network(
                  config.quantizerBits(),
                  OpenBase.wanted(config),
                  mode -> {
                    TunableUNet unet =
                        OpenBase.unet(compute, environment.local(quantizedBase), mode);
                    layout.set(unet.layout());
                    return unet;
                  }),
              Recipe.tuning(config));
      List<String> names = entries.stream().map(SubjectEntry::name).toList();
      StateFolder states = new StateFolder(run, plan, index, names, config);
      List<TunedSubject> tuned;
      try (states) {
        tuned =
            tuner.tune(
                subjects,
                states,
                (step, loss) -> {
                  report(progress, step, loss);
                  metrics.stepped(index, step, loss, compute.gpuBytesInUse());
                });
      }
      for (int i = 0; i < tuned.size(); i++) {
        TunedSubject subject = tuned.get(i);
        if (subject.scales().isEmpty()) {
          fail(outcomes, run, subject.name(), subject.failure().orElseThrow(), false);
        } else if (missing.contains(subject.name())) {
          byte[] deltas =
              SafetensorsWriter.toBytes(
                  subject.scales().get().toTensors(layout.get()), metadata(entries.get(i)));
          outcomes.put(
              subject.name(),
              new Outcome(
                  run.publish(subject.name(), deltas, subject.steps(), rejects.get(subject.name())),
                  false));
          metrics.subjectDone();
          LogContext.subject(subject.name());
          LOG.info("Published the scales of {}", subject.name());
        }
      }
      states.delete();
    } finally {
      metrics.ended(index);
    }
  }

  private void report(ProgressAccumulator progress, int step, double loss) {
    if (TaskContext.get().isInterrupted()) {
      throw TuneQdmException.environment("Training was stopped at step " + step);
    }
    progress.add(new BatchProgress(index, step, loss));
  }

  private void fail(
      Map<String, Outcome> outcomes, RunFolder run, String name, String cause, boolean machine) {
    SubjectStatus failed = SubjectStatus.failed(name, cause);
    if (missing.contains(name)) {
      WorkerMetrics.ofThisJvm().subjectFailed();
      LogContext.subject(name);
      LOG.warn("{} failed: {}", name, cause);
      outcomes.put(name, new Outcome(failed, machine));
      try {
        run.publishFailure(failed);
      } catch (TuneQdmException e) {
        // A full disk has no room for its own story either; the driver tells it.
        if (!machine) {
          throw e;
        }
      }
    }
  }

  /** A task that Spark ends early has no last word: another one goes on with its batch. */
  private boolean isLastAttempt() {
    TaskContext task = TaskContext.get();
    return !task.isInterrupted() && task.attemptNumber() >= lastAttempt;
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
        classImages);
  }

  /** What a reader of the file has to know; the same for every attempt. */
  private Map<String, String> metadata(SubjectEntry subject) {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("format", "tuneqdm-deltas-1");
    metadata.put("run", plan.runId());
    metadata.put("base", plan.baseId());
    metadata.put("subject", subject.name());
    metadata.put("class", subject.classNoun());
    metadata.put("identifier", subject.identifier());
    metadata.put("prompt", subject.instancePrompt());
    metadata.put("step", Integer.toString(config.tuningSteps()));
    metadata.put("experts", Integer.toString(config.tuningExperts()));
    metadata.put("config", config.renderOnly(RunPlan.DETERMINING));
    return metadata;
  }
}
