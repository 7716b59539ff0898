package io.github.tuneqdm.study;

import io.github.tuneqdm.config.StudySettings.Search;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.Hashes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;

/**
 * Who chooses the learning rate of whom; no subject chooses its own.
 *
 * @param subjects that get the rate
 * @param chosenBy whose scores choose it
 */
public record Choice(List<String> subjects, List<String> chosenBy) {
  public Choice {
    subjects = List.copyOf(subjects);
    chosenBy = List.copyOf(chosenBy);
  }

  /**
   * The choices of a search.
   *
   * @param subjects of the final table
   * @throws TuneQdmException (usage) where there are fewer subjects than folds
   */
  public static List<Choice> of(Search search, List<String> subjects) {
    if (search.folds() == 0) {
      return List.of(new Choice(sorted(subjects), sorted(search.subjects())));
    }
    if (subjects.size() < search.folds()) {
      throw TuneQdmException.usage(
          "Cannot cut %d subjects into %d folds (tuneqdm.study.search.folds)"
              .formatted(subjects.size(), search.folds()));
    }
    List<Choice> choices = new ArrayList<>();
    for (List<String> fold : folds(subjects, search.folds())) {
      List<String> others = new ArrayList<>(sorted(subjects));
      others.removeAll(fold);
      choices.add(new Choice(fold, others));
    }
    return choices;
  }

  /**
   * Cuts subjects into folds whose sizes differ by one at most: dealt out in the order of the
   * SHA-256 of their names, so that the same names always fall the same way, and neither the order
   * in which they are listed nor the alphabet decides.
   */
  static List<List<String>> folds(List<String> subjects, int count) {
    List<TreeSet<String>> folds = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      folds.add(new TreeSet<>());
    }
    List<String> dealt =
        subjects.stream()
            .sorted(Comparator.comparing((String name) -> Hashes.sha256(name)))
            .toList();
    for (int i = 0; i < dealt.size(); i++) {
      folds.get(i % count).add(dealt.get(i));
    }
    return folds.stream().map(List::copyOf).toList();
  }

  private static List<String> sorted(List<String> names) {
    return List.copyOf(new TreeSet<>(names));
  }
}
