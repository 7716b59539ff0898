package io.github.tuneqdm.study;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Climbs through learning rates from the lowest until every choice has seen its score fall twice in
 * a row: what lies beyond diverges, and costs as much as what is good.
 */
public final class RateSearch {
  private static final int FALLS = 2;

  private RateSearch() {}

  /** Trains and scores at one learning rate. */
  @FunctionalInterface
  public interface Trial {
    /** The score of each subject that did not fail. */
    Map<String, Double> at(double learningRate);
  }

  /**
   * A rate that was tried.
   *
   * @param scores one a choice: the mean over those that choose; empty where one of them failed
   */
  public record Tried(double learningRate, List<OptionalDouble> scores) {
    public Tried {
      scores = List.copyOf(scores);
    }
  }

  /**
   * @param tried in the order in which they were
   * @param chosen one a choice: the rate with the best score, the lowest of equals; empty where no
   *     rate has a score
   */
  public record Result(List<Tried> tried, List<Optional<Double>> chosen) {
    public Result {
      tried = List.copyOf(tried);
      chosen = List.copyOf(chosen);
    }
  }

  /**
   * @param ascending rates
   */
  public static Result climb(List<Double> ascending, List<Choice> choices, Trial trial) {
    List<Tried> tried = new ArrayList<>();
    for (double rate : ascending) {
      Map<String, Double> scores = trial.at(rate);
      tried.add(new Tried(rate, choices.stream().map(choice -> mean(choice, scores)).toList()));
      if (isOver(tried, choices.size())) {
        break;
      }
    }
    List<Optional<Double>> chosen = new ArrayList<>();
    for (int c = 0; c < choices.size(); c++) {
      int choice = c;
      chosen.add(
          tried.stream()
              .filter(t -> t.scores().get(choice).isPresent())
              .max(
                  Comparator.comparingDouble((Tried t) -> t.scores().get(choice).getAsDouble())
                      .thenComparingDouble(t -> -t.learningRate()))
              .map(Tried::learningRate));
    }
    return new Result(tried, chosen);
  }

  private static OptionalDouble mean(Choice choice, Map<String, Double> scores) {
    return scores.keySet().containsAll(choice.chosenBy())
        ? choice.chosenBy().stream().mapToDouble(scores::get).average()
        : OptionalDouble.empty();
  }

  private static boolean isOver(List<Tried> tried, int choices) {
    for (int choice = 0; choice < choices; choice++) {
      int falls = 0;
      for (int i = 0; i < tried.size(); i++) {
        falls = fell(tried, i, choice) ? falls + 1 : 0;
      }
      if (falls < FALLS) {
        return false;
      }
    }
    return true;
  }

  /** A rate at which training fails is a fall from any other. */
  private static boolean fell(List<Tried> tried, int i, int choice) {
    OptionalDouble score = tried.get(i).scores().get(choice);
    if (score.isEmpty()) {
      return true;
    }
    OptionalDouble before = i == 0 ? OptionalDouble.empty() : tried.get(i - 1).scores().get(choice);
    return before.isPresent() && score.getAsDouble() < before.getAsDouble();
  }
}
