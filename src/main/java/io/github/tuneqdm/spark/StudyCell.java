package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.StudySettings.Cell;
import io.github.tuneqdm.config.StudySettings.Search;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.EvaluationProtocol;
import io.github.tuneqdm.metrics.ScoreTable.SubjectMean;
import io.github.tuneqdm.study.Choice;
import io.github.tuneqdm.study.RateScore;
import io.github.tuneqdm.study.RateSearch;
import io.github.tuneqdm.study.SearchRow;
import io.github.tuneqdm.study.SpeedRow;
import io.github.tuneqdm.study.StudyProtocol.CellProtocol;
import io.github.tuneqdm.study.StudyProtocol.ChosenRate;
import io.github.tuneqdm.study.StudyRow;
import io.github.tuneqdm.tuning.TuningMethod;
import io.github.tuneqdm.tuning.TuningMethod.Base;
import io.github.tuneqdm.tuning.TuningMethod.Trained;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The work on one cell: finds its learning rates, then trains and evaluates with every seed. */
final class StudyCell {
  private static final Logger LOG = LoggerFactory.getLogger(StudyCell.class);
  private static final String FIXED = "fixed before";
  private static final String RATE = "tuneqdm.tuning.learning-rate";

  private final Cell cell;
  private final Plan plan;
  private final StudyRun runs;

  private final List<StudyRow> rows = new ArrayList<>();
  private final List<SpeedRow> speeds = new ArrayList<>();
  private final List<SearchRow> search = new ArrayList<>();
  private final List<ChosenRate> rates = new ArrayList<>();
  private Optional<EvaluationProtocol> protocol = Optional.empty();
  private String baseId;
  private boolean environment = true;

  StudyCell(Cell cell, Plan plan, StudyRun runs) {
    this.cell = cell;
    this.plan = plan;
    this.runs = runs;
  }

  /**
   * What all cells share.
   *
   * @param subjects of the table, in name order
   * @param search nothing where no rate is chosen; with it its choices and its score
   * @param shared settings that determine runs, where a cell has none of its own
   */
  record Plan(
      List<String> subjects,
      List<Long> seeds,
      Optional<Search> search,
      List<Choice> choices,
      Optional<RateScore> score,
      Map<String, String> shared) {}

  /**
   * What the cell came to.
   *
   * @param environment whether, where it failed, machines alone are to blame
   */
  record Outcome(
      CellProtocol cell,
      List<StudyRow> rows,
      List<SpeedRow> speeds,
      List<SearchRow> search,
      Optional<EvaluationProtocol> protocol,
      boolean environment) {

    boolean hasFailures() {
      return rows.stream().anyMatch(row -> row.failure() != null);
    }

    boolean hasScores() {
      return rows.stream().anyMatch(row -> row.failure() == null);
    }
  }

  /** Never throws what a user can mend: that is a failure of its rows. */
  Outcome work() {
    try {
      findRates();
      Map<Double, TreeSet<String>> byRate = new TreeMap<>();
      rates.forEach(
          rate ->
              byRate
                  .computeIfAbsent(rate.learningRate(), r -> new TreeSet<>())
                  .addAll(rate.subjects()));
      for (long seed : plan.seeds()) {
        byRate.forEach((rate, subjects) -> train(rate, seed, List.copyOf(subjects)));
      }
    } catch (TuneQdmException e) {
      fail(null, plan.subjects(), e);
    } catch (RuntimeException e) {
      LOG.error("Cell {} failed", cell.name(), e);
      environment = false;
      failAll(null, plan.subjects(), "nobody foresaw this: " + e);
    }
    boolean trains = Recipe.method(cell.config()).trained() != Trained.NOTHING;
    CellProtocol told =
        new CellProtocol(cell.name(), baseId, settings(), trains ? List.copyOf(rates) : List.of());
    return new Outcome(
        told, List.copyOf(rows), List.copyOf(speeds), List.copyOf(search), protocol, environment);
  }

  /** What the cell says, and what that brings along, such as a recipe's. */
  private Map<String, String> settings() {
    Map<String, String> settings = new TreeMap<>(cell.settings());
    cell.config()
        .values(RunPlan.DETERMINING)
        .forEach(
            (key, value) -> {
              if (!value.equals(plan.shared().get(key)) && !key.equals(RATE)) {
                settings.putIfAbsent(key, value);
              }
            });
    return settings;
  }

  private void findRates() {
    if (!cell.isSearched()) {
      rates.add(
          new ChosenRate(
              cell.learningRates().get(0),
              plan.subjects(),
              cell.learningRateSource().orElse(FIXED),
              List.of()));
      return;
    }
    TreeSet<String> choosing = new TreeSet<>();
    plan.choices().forEach(choice -> choosing.addAll(choice.chosenBy()));
    Map<Double, String> runIds = new HashMap<>();
    Map<String, String> failures = new TreeMap<>();
    RateSearch.Result result =
        RateSearch.climb(
            cell.learningRates(),
            plan.choices(),
            rate -> trial(rate, List.copyOf(choosing), runIds, failures));
    for (int fold = 0; fold < plan.choices().size(); fold++) {
      Choice choice = plan.choices().get(fold);
      Optional<Double> chosen = result.chosen().get(fold);
      for (RateSearch.Tried tried : result.tried()) {
        var score = tried.scores().get(fold);
        search.add(
            new SearchRow(
                cell.name(),
                fold,
                tried.learningRate(),
                runIds.get(tried.learningRate()),
                score.isPresent() ? score.getAsDouble() : null,
                chosen.equals(Optional.of(tried.learningRate()))));
      }
      if (chosen.isEmpty()) {
        List<Double> tried = result.tried().stream().map(RateSearch.Tried::learningRate).toList();
        environment = false;
        failAll(
            null,
            choice.subjects(),
            "no learning rate could be chosen: at each of %s a subject failed, such as %s"
                .formatted(tried, failures));
        continue;
      }
      rates.add(
          new ChosenRate(
              chosen.get(),
              choice.subjects(),
              "the best " + plan.score().orElseThrow(),
              choice.chosenBy()));
    }
  }

  private Map<String, Double> trial(
      double rate,
      List<String> choosing,
      Map<Double, String> runIds,
      Map<String, String> failures) {
    StudyRun.Outcome outcome =
        runs.run(cell.run(rate, plan.search().orElseThrow().seed(), choosing));
    note(outcome);
    runIds.put(rate, outcome.run().id());
    failures.putAll(outcome.failures());
    Map<String, Double> scores = new TreeMap<>();
    outcome
        .means()
        .forEach(mean -> scores.put(mean.subject(), plan.score().orElseThrow().of(mean.scores())));
    return scores;
  }

  private void train(double rate, long seed, List<String> subjects) {
    TuneQdmConfig config = cell.run(rate, seed, subjects);
    TuningMethod method = Recipe.method(config);
    StudyRun.Outcome outcome;
    Map<SubjectMean, RunFigures.OfSubject> figures = new LinkedHashMap<>();
    try {
      outcome = runs.run(config);
      RunFigures read = new RunFigures(outcome.run());
      outcome.means().forEach(mean -> figures.put(mean, read.of(mean.subject(), mean.method())));
    } catch (TuneQdmException e) {
      fail(rate, seed, subjects, e);
      return;
    }
    note(outcome);
    String runId = outcome.run().id();
    for (Map.Entry<SubjectMean, RunFigures.OfSubject> of : figures.entrySet()) {
      SubjectMean mean = of.getKey();
      RunFigures.OfSubject figure = of.getValue();
      String subject = mean.subject();
      rows.add(
          new StudyRow(
              cell.name(),
              method.trained() == Trained.NOTHING ? null : rate,
              seed,
              subject,
              runId,
              method.base() == Base.FLOAT ? 0 : config.quantizerBits(),
              mean.method(),
              figure.steps(),
              mean.scores().dino(),
              mean.scores().clipI(),
              mean.scores().clipT(),
              figure.clipTWithIdentifier(),
              figure.trainedParameters(),
              figure.storedBytes(),
              null));
      speeds.add(
          new SpeedRow(
              cell.name(),
              rate,
              seed,
              subject,
              runId,
              figure.stepsPerSecond(),
              figure.peakBytes(),
              outcome.seconds().orElse(null)));
    }
    outcome
        .failures()
        .forEach(
            (subject, why) -> {
              environment = false;
              rows.add(
                  StudyRow.failed(
                      cell.name(), rate, seed, subject, runId, config.quantizerBits(), why));
            });
  }

  private void note(StudyRun.Outcome outcome) {
    protocol = protocol.or(outcome::protocol);
    baseId = outcome.baseId();
  }

  private void fail(Double rate, List<String> subjects, TuneQdmException why) {
    plan.seeds().forEach(seed -> fail(rate, seed, subjects, why));
  }

  private void fail(Double rate, long seed, List<String> subjects, TuneQdmException why) {
    environment &= why.exitCode() == ExitCode.ENVIRONMENT;
    addFailures(rate, seed, subjects, why.getMessage());
  }

  private void failAll(Double rate, List<String> subjects, String why) {
    plan.seeds().forEach(seed -> addFailures(rate, seed, subjects, why));
  }

  /** A subject that has its scores by now keeps them. */
  private void addFailures(Double rate, long seed, List<String> subjects, String why) {
    int bits = cell.config().quantizerBits();
    for (String subject : subjects) {
      if (rows.stream().noneMatch(r -> r.seed() == seed && r.subject().equals(subject))) {
        rows.add(StudyRow.failed(cell.name(), rate, seed, subject, null, bits, why));
      }
    }
  }
}
