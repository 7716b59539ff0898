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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/** The work on one cell: finds its learning rates, then trains and evaluates with every seed. */
final class StudyCell {
  private static final String FIXED = "fixed before";

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
   */
  record Plan(
      List<String> subjects,
      List<Long> seeds,
      Optional<Search> search,
      List<Choice> choices,
      Optional<RateScore> score) {}

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
      rates.clear();
      plan.seeds().forEach(seed -> fail(null, seed, plan.subjects(), e));
    }
    CellProtocol told = new CellProtocol(cell.name(), baseId, cell.settings(), List.copyOf(rates));
    return new Outcome(
        told, List.copyOf(rows), List.copyOf(speeds), List.copyOf(search), protocol, environment);
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
      rates.add(
          new ChosenRate(
              chosen.orElseThrow(
                  () ->
                      TuneQdmException.inputData(
                          "Cannot choose a learning rate: at each of %s a subject failed, such as %s"
                              .formatted(cell.learningRates(), failures))),
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
    StudyRun.Outcome outcome;
    RunFigures figures;
    try {
      outcome = runs.run(config);
      figures = new RunFigures(outcome.run());
    } catch (TuneQdmException e) {
      fail(rate, seed, subjects, e);
      return;
    }
    note(outcome);
    String runId = outcome.run().id();
    for (SubjectMean mean : outcome.means()) {
      String subject = mean.subject();
      RunFigures.OfSubject figure = figures.of(subject, mean.method());
      rows.add(
          new StudyRow(
              cell.name(),
              rate,
              seed,
              subject,
              runId,
              config.quantizerBits(),
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

  private void fail(Double rate, long seed, List<String> subjects, TuneQdmException why) {
    environment &= why.exitCode() == ExitCode.ENVIRONMENT;
    int bits = cell.config().quantizerBits();
    for (String subject : subjects) {
      rows.add(StudyRow.failed(cell.name(), rate, seed, subject, null, bits, why.getMessage()));
    }
  }
}
