package io.github.tuneqdm.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.tuneqdm.metrics.ConfidenceInterval;
import io.github.tuneqdm.study.StudyTable.CellSummary;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class StudyTableTest {
  private final List<StudyRow> rows = new ArrayList<>();

  @Test
  void seedsAreAveragedBeforeSubjects() {
    row("a", 1, "x", 0.1);
    row("a", 2, "x", 0.3);
    row("a", 1, "y", 0.5);
    row("a", 2, "y", 0.7);

    CellSummary cell = table(2).cells().get(0);

    assertThat(cell.subjects()).isEqualTo(2);
    ConfidenceInterval dino = cell.scores().get(StudyMetric.DINO);
    assertThat(dino.mean()).isCloseTo(0.4, within(1e-12));
    // Two subjects of 0.2 and 0.6: a quarter of the resamples is all the one, a quarter the other.
    assertThat(dino.low()).isCloseTo(0.2, within(1e-12));
    assertThat(dino.high()).isCloseTo(0.6, within(1e-12));
    assertThat(cell.scores()).doesNotContainKey(StudyMetric.CLIP_T_WITH_IDENTIFIER);
  }

  @Test
  void differencesArePairedBySubject() {
    // Subjects differ by far more than cells do: only pairing shows that b is better by 0.01.
    double[] of = {0.1, 0.3, 0.5, 0.7};
    for (int i = 0; i < of.length; i++) {
      row("a", 1, "s" + i, of[i]);
      row("b", 1, "s" + i, of[i] + 0.01);
    }

    StudyTable table = table(1);

    CellSummary b = table.cells().get(1);
    ConfidenceInterval difference = b.differences().get(StudyMetric.DINO);
    assertThat(difference.mean()).isCloseTo(0.01, within(1e-12));
    assertThat(difference.low()).isCloseTo(0.01, within(1e-12));
    assertThat(difference.high()).isCloseTo(0.01, within(1e-12));
    assertThat(difference.excludes(0)).isTrue();
    assertThat(b.scores().get(StudyMetric.DINO).low())
        .isLessThan(table.cells().get(0).scores().get(StudyMetric.DINO).high());
    assertThat(table.cells().get(0).differences()).isEmpty();
  }

  @Test
  void aDifferenceOfTwoSubjectsSpansBoth() {
    row("a", 1, "x", 0.5);
    row("a", 1, "y", 0.5);
    row("b", 1, "x", 0.4);
    row("b", 1, "y", 0.7);

    ConfidenceInterval difference = table(1).cells().get(1).differences().get(StudyMetric.DINO);

    assertThat(difference.mean()).isCloseTo(0.05, within(1e-12));
    assertThat(difference.low()).isCloseTo(-0.1, within(1e-12));
    assertThat(difference.high()).isCloseTo(0.2, within(1e-12));
    assertThat(difference.excludes(0)).isFalse();
    assertThat(StudyText.difference(difference, 6)).isEqualTo("+0.050 [-0.100, +0.200]");
  }

  @Test
  void aSubjectThatMissesASeedCountsNowhere() {
    row("a", 1, "x", 0.1);
    row("a", 2, "x", 0.1);
    row("a", 1, "y", 0.9);
    rows.add(StudyRow.failed("a", 1e-4, 2, "y", "r", 4, "it diverged"));
    row("b", 1, "x", 0.2);
    row("b", 2, "x", 0.2);
    row("b", 1, "y", 0.0);
    row("b", 2, "y", 0.0);

    StudyTable table = table(2);

    CellSummary a = table.cells().get(0);
    assertThat(a.subjects()).isEqualTo(1);
    assertThat(a.scores().get(StudyMetric.DINO).mean()).isEqualTo(0.1);
    assertThat(a.failures()).containsExactly("it diverged");
    assertThat(table.cells().get(1).differences().get(StudyMetric.DINO).mean())
        .as("over x alone")
        .isCloseTo(0.1, within(1e-12));
  }

  @Test
  void aCellWithoutScoresIsStillARow() {
    row("a", 1, "x", 0.1);
    rows.add(StudyRow.failed("b", null, 1, "x", null, 2, "no rate is good"));

    StudyTable table = table(1);
    StudyProtocol protocol =
        new StudyProtocol(
            "s", "p", null, null, List.of(1L), List.of("x"), "a", null, null, Map.of(), List.of());

    assertThat(table.cells().get(1).scores()).isEmpty();
    assertThat(table.cells().get(1).learningRates()).isEmpty();
    assertThat(StudyText.render(table, protocol, List.of()))
        .containsPattern("\\| b +\\| 0 +\\| - +\\| - +\\|")
        .contains("- b: no rate is good");
  }

  private StudyTable table(int seeds) {
    List<String> cells = rows.stream().map(StudyRow::cell).distinct().sorted().toList();
    return StudyTable.of(cells, Optional.of("a"), seeds, rows, List.of());
  }

  private void row(String cell, long seed, String subject, double dino) {
    rows.add(
        new StudyRow(
            cell, 1e-4, seed, subject, "r", 4, "tuned", 2, dino, 0.0, 0.0, null, null, 10L, null));
  }
}
