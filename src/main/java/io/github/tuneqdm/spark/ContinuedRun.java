package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.ConfigLayers;
import io.github.tuneqdm.config.ConfigSource;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.TuneQdmException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;

/**
 * The run that a job was told to go on with. Changed settings name another run; whoever names this
 * one hears what changed.
 */
final class ContinuedRun {
  private static final String KEY = "tuneqdm.checkpoint.run";

  private final RunFolder run;
  private final String settings;

  private ContinuedRun(RunFolder run, String settings) {
    this.run = run;
    this.settings = settings;
  }

  /**
   * The run that the configuration names, if it names one.
   *
   * @throws TuneQdmException (input data) where there is no such run
   */
  static Optional<ContinuedRun> of(TuneQdmConfig config, Configuration hadoop) {
    if (config.checkpointRun().isEmpty()) {
      return Optional.empty();
    }
    String id = SubjectName.require(config.checkpointRun().get(), KEY);
    RunFolder run = RunFolder.of(config.storageRuns(), id, hadoop);
    String settings =
        run.configuration()
            .orElseThrow(
                () ->
                    TuneQdmException.inputData(
                        "Cannot find the run "
                            + run.root()
                            + " ("
                            + KEY
                            + ", tuneqdm.storage.runs)"));
    return Optional.of(new ContinuedRun(run, settings));
  }

  /**
   * @throws TuneQdmException (usage) naming every setting that differs from the run's own
   */
  void requireSettings(TuneQdmConfig config) {
    refuse(changes(run, settings, config, RunPlan.DETERMINING));
  }

  /**
   * What a configuration says otherwise than a run's own, in words.
   *
   * @param settings of the run
   * @param keys how those begin that are compared
   */
  static List<String> changes(
      RunFolder run, String settings, TuneQdmConfig config, List<String> keys) {
    ConfigSource stored = ConfigSource.text(settings, run.root() + "/run.conf");
    Map<String, String> before =
        new ConfigLayers(Map.of(), Map.of(), Optional.of(stored)).load().values(keys);
    List<String> changes = new ArrayList<>();
    config
        .values(keys)
        .forEach(
            (key, value) -> {
              if (!value.equals(before.get(key))) {
                changes.add("%s: %s -> %s".formatted(key, before.get(key), value));
              }
            });
    return changes;
  }

  /**
   * @throws TuneQdmException (usage) saying what else differs, where this is the plan of another
   *     run
   */
  void requirePlan(RunPlan now) {
    if (now.runId().equals(run.id())) {
      return;
    }
    RunPlan before = run.planOrRefuse();
    List<String> changes = new ArrayList<>();
    if (!before.baseId().equals(now.baseId())) {
      changes.add("quantised base: %s -> %s".formatted(before.baseId(), now.baseId()));
    }
    TreeSet<String> gone = new TreeSet<>(before.subjects());
    gone.removeAll(now.subjects());
    TreeSet<String> added = new TreeSet<>(now.subjects());
    added.removeAll(before.subjects());
    if (!gone.isEmpty()) {
      changes.add("subjects no longer there: " + String.join(", ", gone));
    }
    if (!added.isEmpty()) {
      changes.add("subjects added: " + String.join(", ", added));
    }
    if (changes.isEmpty()) {
      changes.add("a subject's photos, class or prompt, or the base model's VAE or text encoder");
    }
    refuse(changes);
  }

  private void refuse(List<String> changes) {
    if (!changes.isEmpty()) {
      throw TuneQdmException.usage(
          "Cannot go on with the run %s: it was started with other settings: %s (restore them, or leave out %s and start a new run)"
              .formatted(run.root(), String.join("; ", changes), KEY));
    }
  }
}
