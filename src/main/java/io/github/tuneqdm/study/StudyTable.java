package io.github.tuneqdm.study;

import io.github.tuneqdm.metrics.Bootstrap;
import io.github.tuneqdm.metrics.ConfidenceInterval;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * What a study's rows come to: a line a cell. A subject counts with the mean of its seeds, once all
 * of them are there; intervals are over subjects, differences over the subjects that both cells
 * have.
 *
 * @param cells in the study's order
 * @param reference the cell that the others are compared with
 */
public record StudyTable(List<CellSummary> cells, Optional<String> reference) {
  private static final long BOOTSTRAP_SEED = 0;

  public StudyTable {
    cells = List.copyOf(cells);
  }

  /**
   * One cell.
   *
   * @param subjects that have all seeds
   * @param learningRates that its subjects got, ascending
   * @param scores mean over subjects with its interval; none where no subject has the score
   * @param differences to the reference, paired by subject; none of the reference itself
   * @param paired subjects that the differences are of
   * @param bits see {@link StudyRow}
   * @param method null where nothing was scored
   * @param trainedParameters mean of its rows, as are the others; null where not measured
   * @param failures causes, each once
   */
  public record CellSummary(
      String cell,
      int subjects,
      List<Double> learningRates,
      Map<StudyMetric, ConfidenceInterval> scores,
      Map<StudyMetric, ConfidenceInterval> differences,
      int paired,
      int bits,
      String method,
      Double trainedParameters,
      Double storedBytes,
      Double peakBytes,
      Double stepsPerSecond,
      List<String> failures) {}

  /**
   * @param cells names, in order
   * @param seeds how many each subject has to have
   */
  public static StudyTable of(
      List<String> cells,
      Optional<String> reference,
      int seeds,
      Collection<StudyRow> rows,
      Collection<SpeedRow> speeds) {
    Means means = new Means(rows, seeds);
    List<CellSummary> summaries = new ArrayList<>();
    for (String cell : cells) {
      List<StudyRow> own = rows.stream().filter(row -> row.cell().equals(cell)).toList();
      List<SpeedRow> measured = speeds.stream().filter(row -> row.cell().equals(cell)).toList();
      Map<StudyMetric, ConfidenceInterval> scores = new EnumMap<>(StudyMetric.class);
      Map<StudyMetric, ConfidenceInterval> differences = new EnumMap<>(StudyMetric.class);
      for (StudyMetric metric : StudyMetric.values()) {
        Map<String, Double> bySubject = means.of(cell, metric);
        interval(bySubject.values()).ifPresent(i -> scores.put(metric, i));
        reference
            .filter(other -> !other.equals(cell))
            .flatMap(other -> interval(differences(bySubject, means.of(other, metric))))
            .ifPresent(i -> differences.put(metric, i));
      }
      summaries.add(
          new CellSummary(
              cell,
              means.of(cell, StudyMetric.DINO).size(),
              List.copyOf(
                  new TreeSet<>(
                      own.stream().map(StudyRow::learningRate).filter(Objects::nonNull).toList())),
              scores,
              differences,
              reference.map(other -> paired(means, cell, other)).orElse(0),
              own.stream().mapToInt(StudyRow::bits).findFirst().orElse(0),
              own.stream().map(StudyRow::method).filter(Objects::nonNull).findFirst().orElse(null),
              mean(own, StudyRow::trainedParameters),
              mean(own, StudyRow::storedBytes),
              mean(measured, SpeedRow::peakBytes),
              mean(measured, SpeedRow::stepsPerSecond),
              own.stream().map(StudyRow::failure).filter(Objects::nonNull).distinct().toList()));
    }
    return new StudyTable(summaries, reference);
  }

  private static int paired(Means means, String cell, String other) {
    Set<String> both = new HashSet<>(means.of(cell, StudyMetric.DINO).keySet());
    both.retainAll(means.of(other, StudyMetric.DINO).keySet());
    return both.size();
  }

  /** Each subject's own difference, in name order, of those that both have. */
  private static List<Double> differences(
      Map<String, Double> bySubject, Map<String, Double> ofReference) {
    return bySubject.entrySet().stream()
        .filter(entry -> ofReference.containsKey(entry.getKey()))
        .map(entry -> entry.getValue() - ofReference.get(entry.getKey()))
        .toList();
  }

  private static Optional<ConfidenceInterval> interval(Collection<Double> values) {
    return values.isEmpty()
        ? Optional.empty()
        : Optional.of(
            Bootstrap.overSubjects(
                values.stream().mapToDouble(Double::doubleValue).toArray(),
                Bootstrap.LEVEL,
                Bootstrap.RESAMPLES,
                BOOTSTRAP_SEED));
  }

  private static <R> Double mean(List<R> rows, Function<R, ? extends Number> figure) {
    var mean =
        rows.stream()
            .map(figure)
            .filter(Objects::nonNull)
            .mapToDouble(Number::doubleValue)
            .average();
    return mean.isPresent() ? mean.getAsDouble() : null;
  }

  /** The mean of each subject's seeds, by cell and metric. */
  private static final class Means {
    private final Map<String, Map<String, List<StudyRow>>> bySubject = new TreeMap<>();
    private final int seeds;

    Means(Collection<StudyRow> rows, int seeds) {
      this.seeds = seeds;
      for (StudyRow row : rows) {
        bySubject
            .computeIfAbsent(row.cell(), cell -> new TreeMap<>())
            .computeIfAbsent(row.subject(), subject -> new ArrayList<>())
            .add(row);
      }
    }

    Map<String, Double> of(String cell, StudyMetric metric) {
      Map<String, Double> means = new TreeMap<>();
      bySubject
          .getOrDefault(cell, Map.of())
          .forEach(
              (subject, rows) -> {
                double[] values =
                    rows.stream()
                        .sorted((a, b) -> Long.compare(a.seed(), b.seed()))
                        .map(metric::of)
                        .filter(Objects::nonNull)
                        .mapToDouble(Double::doubleValue)
                        .toArray();
                if (values.length == seeds) {
                  means.put(subject, Arrays.stream(values).average().orElseThrow());
                }
              });
      return means;
    }
  }
}
