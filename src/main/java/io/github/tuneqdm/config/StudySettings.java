package io.github.tuneqdm.config;

import io.github.tuneqdm.error.TuneQdmException;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A study as its file describes it: cells that differ in a few keys, trained with the same seeds on
 * the same subjects.
 *
 * @param shared what holds for every cell that does not set it
 * @param seeds of training; pictures are sampled with {@code tuneqdm.evaluate.seed}
 * @param subjects of the final table; empty where the file names none
 * @param reference the cell that the others are compared with
 */
public record StudySettings(
    String name,
    TuneQdmConfig shared,
    List<Cell> cells,
    List<Long> seeds,
    List<String> subjects,
    Optional<Search> search,
    Optional<String> reference) {

  private static final String LEARNING_RATE = Keys.TUNING_LEARNING_RATE.path();

  /** What the study itself sets in the configuration of a run. */
  private static final List<String> OWN =
      List.of(
          Keys.TUNING_SEED.path(),
          Keys.DATA_NAMES.path(),
          Keys.EVALUATE_BASELINES.path(),
          Keys.EVALUATE_RUN.path(),
          Keys.CHECKPOINT_RUN.path());

  public StudySettings {
    cells = List.copyOf(cells);
    seeds = List.copyOf(seeds);
    subjects = List.copyOf(subjects);
  }

  /**
   * One row of the table.
   *
   * @param config with the cell's settings
   * @param settings what the cell sets, by path
   * @param learningRates ascending; one where there is nothing to choose
   * @param learningRateSource where a rate that nothing chooses comes from, in words
   */
  public record Cell(
      String name,
      TuneQdmConfig config,
      Map<String, String> settings,
      List<Double> learningRates,
      Optional<String> learningRateSource) {

    public Cell {
      settings = Collections.unmodifiableMap(new TreeMap<>(settings));
      learningRates = List.copyOf(learningRates);
    }

    /** Whether the cell says itself what its learning rate may be. */
    boolean hasOwnRates() {
      return !learningRates.equals(List.of(config.tuningLearningRate()));
    }

    /** Whether the learning rate is to be chosen. */
    public boolean isSearched() {
      return learningRates.size() > 1;
    }

    /** The configuration of the run that trains some subjects with a rate and a seed. */
    public TuneQdmConfig run(double learningRate, long seed, List<String> subjects) {
      return config.with(
          Map.of(
              LEARNING_RATE,
              Double.toString(learningRate),
              Keys.TUNING_SEED.path(),
              Long.toString(seed),
              Keys.DATA_NAMES.path(),
              String.join(",", subjects),
              Keys.EVALUATE_BASELINES.path(),
              "false",
              Keys.EVALUATE_RUN.path(),
              "",
              Keys.CHECKPOINT_RUN.path(),
              ""),
          "study, cell " + name);
    }
  }

  /**
   * How learning rates are chosen: on subjects that the final table leaves out, or, cut into folds,
   * for each fold on the subjects of the others.
   *
   * @param subjects none where there are folds
   * @param folds 0 where there are subjects
   * @param score such as {@code dino + clip-t}
   */
  public record Search(List<String> subjects, int folds, long seed, String score) {
    public Search {
      subjects = List.copyOf(subjects);
    }
  }

  /** Refuses an override that the study would not heed. */
  void refuseOverride(String option, String path) {
    if (OWN.contains(path)) {
      throw refused(option + path, "the study sets it for each of its runs");
    }
    for (Cell cell : cells) {
      if (cell.settings().containsKey(path) || path.equals(LEARNING_RATE) && cell.hasOwnRates()) {
        throw refused(option + path, "the study's cell \"" + cell.name() + "\" sets it");
      }
    }
  }

  private static TuneQdmException refused(String option, String why) {
    return TuneQdmException.usage(
        "Cannot use %s: %s (change the study's file)".formatted(option, why));
  }
}
