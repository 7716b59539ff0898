package io.github.tuneqdm.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tuneqdm.metrics.Scores;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RateSearchTest {
  private static final List<Double> RATES = List.of(1.0, 2.0, 3.0, 4.0, 5.0);
  private static final Choice BY_X = new Choice(List.of("a"), List.of("x"));

  @Test
  void climbingEndsWhereTheScoreHasFallenTwiceInARow() {
    RateSearch.Result result = climb(0.1, 0.3, 0.2, 0.1, 0.9);

    assertThat(result.tried()).extracting(RateSearch.Tried::learningRate).hasSize(4);
    assertThat(result.chosen()).containsExactly(Optional.of(2.0));
  }

  @Test
  void oneFallIsNoEnd() {
    RateSearch.Result result = climb(0.3, 0.2, 0.4, 0.1, 0.5);

    assertThat(result.tried()).hasSize(5);
    assertThat(result.chosen()).containsExactly(Optional.of(5.0));
  }

  @Test
  void aScoreThatStaysIsNoFallAndTheLowerOfEqualRatesIsChosen() {
    RateSearch.Result result = climb(0.2, 0.2, 0.1, 0.1, 0.1);

    assertThat(result.tried()).hasSize(5);
    assertThat(result.chosen()).containsExactly(Optional.of(1.0));
  }

  @Test
  void aRateAtWhichASubjectFailsIsAFallWithoutAScore() {
    RateSearch.Result result = climb(0.2, Double.NaN, Double.NaN, 0.9, 0.9);

    assertThat(result.tried()).hasSize(3);
    assertThat(result.tried().get(1).scores().get(0)).isEmpty();
    assertThat(result.chosen()).containsExactly(Optional.of(1.0));
    assertThat(climb(Double.NaN, Double.NaN, 1, 1, 1).chosen()).containsExactly(Optional.empty());
  }

  @Test
  void eachChoiceTakesTheRateThatItsOwnSubjectsChoose() {
    Map<Double, Map<String, Double>> scores =
        Map.of(
            1.0, Map.of("x", 0.5, "y", 0.1, "z", 0.1),
            2.0, Map.of("x", 0.4, "y", 0.2, "z", 0.4),
            3.0, Map.of("x", 0.3, "y", 0.6, "z", 0.1),
            4.0, Map.of("x", 0.2, "y", 0.1, "z", 0.1),
            5.0, Map.of("x", 0.1, "y", 0.0, "z", 0.0));

    RateSearch.Result result =
        RateSearch.climb(
            RATES, List.of(BY_X, new Choice(List.of("b"), List.of("y", "z"))), scores::get);

    assertThat(result.tried()).as("y and z fall twice last").hasSize(5);
    assertThat(result.chosen()).containsExactly(Optional.of(1.0), Optional.of(3.0));
    assertThat(result.tried().get(2).scores().get(1).getAsDouble()).isCloseTo(0.35, within(1e-12));
  }

  @Test
  void theScoreIsASumOfMetrics() {
    Scores scores = new Scores(0.5, 0.25, 0.125);

    assertThat(RateScore.parse("dino + clip-t").of(scores)).isEqualTo(0.625);
    assertThat(RateScore.parse(" CLIP-I ").of(scores)).isEqualTo(0.25);
    assertThat(RateScore.parse("dino+clip-t")).hasToString("dino + clip-t");
    assertThatThrownBy(() -> RateScore.parse("dino + fid"))
        .hasMessageContaining("it must be a sum of dino, clip-i, clip-t");
  }

  /** Scores of x at each rate; NaN where it fails. */
  private static RateSearch.Result climb(double... scores) {
    return RateSearch.climb(
        RATES,
        List.of(BY_X),
        rate -> {
          Map<String, Double> bySubject = new HashMap<>();
          double score = scores[(int) rate - 1];
          if (!Double.isNaN(score)) {
            bySubject.put("x", score);
          }
          return bySubject;
        });
  }
}
