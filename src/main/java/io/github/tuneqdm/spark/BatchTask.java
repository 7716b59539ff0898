package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.storage.LocalModelFolder;
import io.github.tuneqdm.storage.SafetensorsWriter;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;

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

  /** How a subject ended, and whether its machine is to blame. */
  record Outcome(SubjectStatus status, boolean environment) implements Serializable {}

  List<Outcome> run(
      TaskEnvironment environment, BatchTuner.Factory tuners, ProgressAccumulator progress) {
    RunFolder run = RunFolder.of(config.storageRuns(), plan.runId(), environment.hadoop());
    Map<String, Outcome> outcomes = new LinkedHashMap<>();
    List<SubjectPhotos> readable = new ArrayList<>();
    for (SubjectEntry member : members) {
      try {
        readable.add(read(member, environment.hadoop()));
      } catch (TuneQdmException e) {
        if (e.exitCode() == ExitCode.ENVIRONMENT && !isLastAttempt()) {
          throw e;
        }
        fail(outcomes, run, member.name(), e.getMessage(), e.exitCode() == ExitCode.ENVIRONMENT);
      }
    }
    if (!readable.isEmpty()) {
      train(readable, environment, tuners, progress, run, outcomes);
    }
    return members.stream()
        .filter(member -> missing.contains(member.name()))
        .map(member -> outcomes.get(member.name()))
        .toList();
  }

  private void train(
      List<SubjectPhotos> subjects,
      TaskEnvironment environment,
      BatchTuner.Factory tuners,
      ProgressAccumulator progress,
      RunFolder run,
      Map<String, Outcome> outcomes) {
    List<TunedSubject> tuned;
    try (BatchTuner tuner =
        tuners.open(
            new BatchTuner.Setting(
                config,
                local(config.modelBase(), environment),
                local(quantizedBase, environment),
                environment.gpu()))) {
      tuned =
          tuner.tune(subjects, (step, loss) -> progress.add(new BatchProgress(index, step, loss)));
    } catch (RuntimeException e) {
      // What the input or the configuration did stops the job; what this machine did is tried
      // again.
      boolean refused =
          e instanceof TuneQdmException known && known.exitCode() != ExitCode.ENVIRONMENT;
      if (refused || !isLastAttempt()) {
        throw e;
      }
      String cause = e instanceof TuneQdmException ? e.getMessage() : e.toString();
      subjects.forEach(s -> fail(outcomes, run, s.subject().name(), cause, true));
      return;
    }
    for (int i = 0; i < tuned.size(); i++) {
      TunedSubject subject = tuned.get(i);
      if (subject.failure().isPresent()) {
        fail(outcomes, run, subject.name(), subject.failure().get(), false);
      } else if (missing.contains(subject.name())) {
        byte[] deltas =
            SafetensorsWriter.toBytes(subject.deltas(), metadata(subjects.get(i).subject()));
        outcomes.put(subject.name(), new Outcome(run.publish(subject, deltas), false));
      }
    }
  }

  private void fail(
      Map<String, Outcome> outcomes, RunFolder run, String name, String cause, boolean machine) {
    SubjectStatus failed = SubjectStatus.failed(name, cause);
    if (missing.contains(name)) {
      run.publishFailure(failed);
    }
    outcomes.put(name, new Outcome(failed, machine));
  }

  private boolean isLastAttempt() {
    return TaskContext.get().attemptNumber() >= lastAttempt;
  }

  private static Path local(String folder, TaskEnvironment environment) {
    return LocalModelFolder.of(folder, environment.hadoop());
  }

  private SubjectPhotos read(SubjectEntry subject, Configuration hadoop) {
    if (subject.photos().isEmpty()) {
      throw TuneQdmException.inputData(
          "Cannot train %s: it has no photos (put JPEG or PNG files into %s/%s)"
              .formatted(subject.name(), config.dataSubjects(), subject.name()));
    }
    List<RgbImage> photos = new ArrayList<>();
    for (SubjectEntry.Photo photo : subject.photos()) {
      photos.add(ImageReader.read(photo.bytes(hadoop), photo.path(), config.dataMaxPixels()));
    }
    return new SubjectPhotos(subject, photos);
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
