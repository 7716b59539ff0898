package io.github.tuneqdm.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.config.StudySettings.Search;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ChoiceTest {
  private static final List<String> SUBJECTS =
      List.of("ball1", "cube1", "mug1", "donut1", "can1", "cone1", "star1");

  @Test
  void noSubjectOfAFoldChoosesItsOwnRateAndEachIsInOne() {
    List<Choice> choices = Choice.of(new Search(List.of(), 3, 1, "dino"), SUBJECTS);

    assertThat(choices).hasSize(3);
    assertThat(choices)
        .allSatisfy(
            choice -> {
              assertThat(choice.subjects()).hasSizeBetween(2, 3);
              assertThat(choice.chosenBy()).doesNotContainAnyElementsOf(choice.subjects());
              assertThat(Stream.concat(choice.subjects().stream(), choice.chosenBy().stream()))
                  .containsExactlyInAnyOrderElementsOf(SUBJECTS);
            });
    assertThat(choices.stream().flatMap(choice -> choice.subjects().stream()))
        .containsExactlyInAnyOrderElementsOf(SUBJECTS);
  }

  @Test
  void foldsDependOnNamesAlone() {
    // Sorted by SHA-256, seen with sha256sum: d (18ac), c (2e7d), b (3e23), a (ca97).
    assertThat(Choice.folds(List.of("a", "b", "c", "d"), 2))
        .isEqualTo(Choice.folds(List.of("d", "c", "b", "a"), 2))
        .containsExactly(List.of("b", "d"), List.of("a", "c"));
  }

  @Test
  void subjectsOutsideOfTheTableChooseForAllOfIt() {
    assertThat(Choice.of(new Search(List.of("y", "x"), 0, 1, "dino"), List.of("b", "a")))
        .containsExactly(new Choice(List.of("a", "b"), List.of("x", "y")));
  }

  @Test
  void moreFoldsThanSubjectsAreRefused() {
    assertThatThrownBy(() -> Choice.of(new Search(List.of(), 3, 1, "dino"), List.of("a", "b")))
        .hasMessageContaining("Cannot cut 2 subjects into 3 folds");
  }
}
