package io.github.tuneqdm.metrics;

import io.github.tuneqdm.error.TuneQdmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Means of scored images: over the images of a prompt, then over a subject's prompts, then over
 * subjects, so that every prompt and every subject weighs the same. The numbers do not depend on
 * the order of the rows.
 *
 * @param subjectMeans by subject, then method
 * @param methodMeans by method, in {@link Methods#ORDER}
 */
public record ScoreTable(List<SubjectMean> subjectMeans, List<MethodMean> methodMeans) {
  private static final long BOOTSTRAP_SEED = 0;

  /** One subject's mean with one method. */
  public record SubjectMean(String subject, String method, int images, Scores scores) {}

  /** A method's mean over its subjects. */
  public record MethodMean(String method, int subjects, int images, Scores scores) {}

  public ScoreTable {
    subjectMeans = List.copyOf(subjectMeans);
    methodMeans = List.copyOf(methodMeans);
  }

  /**
   * @throws TuneQdmException where a score is not a number or an image is there twice
   */
  public static ScoreTable summarise(Collection<ScoreRow> rows) {
    record ImageKey(String subject, String method, int promptIndex, long seed) {}
    Set<ImageKey> seen = new HashSet<>();
    // subject -> method -> prompt -> images
    Map<String, Map<String, Map<Integer, List<Scores>>>> groups = new TreeMap<>();
    List<ScoreRow> sorted = new ArrayList<>(rows);
    sorted.sort(Comparator.comparingLong(ScoreRow::seed)); // sums depend on the order of addends
    for (ScoreRow row : sorted) {
      if (!seen.add(new ImageKey(row.subject(), row.method(), row.promptIndex(), row.seed()))) {
        throw TuneQdmException.inputData(
            "Cannot summarise scores: image %s of %s is there twice (prompt %d, seed %d, %s)"
                .formatted(
                    row.imagePath(), row.subject(), row.promptIndex(), row.seed(), row.method()));
      }
      for (Metric metric : Metric.values()) {
        if (!Double.isFinite(metric.of(row.scores()))) {
          throw TuneQdmException.inputData(
              "Cannot summarise scores: %s of image %s of %s is %s"
                  .formatted(
                      metric.label(), row.imagePath(), row.subject(), metric.of(row.scores())));
        }
      }
      groups
          .computeIfAbsent(row.subject(), s -> new TreeMap<>(Methods.ORDER))
          .computeIfAbsent(row.method(), m -> new TreeMap<>())
          .computeIfAbsent(row.promptIndex(), p -> new ArrayList<>())
          .add(row.scores());
    }

    List<SubjectMean> subjectMeans = new ArrayList<>();
    groups.forEach(
        (subject, methods) ->
            methods.forEach(
                (method, prompts) ->
                    subjectMeans.add(subjectMean(subject, method, prompts.values()))));
    Map<String, List<SubjectMean>> byMethod = new TreeMap<>(Methods.ORDER);
    for (SubjectMean mean : subjectMeans) {
      byMethod.computeIfAbsent(mean.method(), m -> new ArrayList<>()).add(mean);
    }
    return new ScoreTable(
        subjectMeans, byMethod.values().stream().map(ScoreTable::methodMean).toList());
  }

  public List<String> subjects() {
    return subjectMeans.stream().map(SubjectMean::subject).distinct().toList();
  }

  public List<String> methods() {
    return methodMeans.stream().map(MethodMean::method).toList();
  }

  /** Empty where the subject has no images of the method. */
  public Optional<Scores> scores(String subject, String method) {
    return subjectMeans.stream()
        .filter(mean -> mean.subject().equals(subject) && mean.method().equals(method))
        .map(SubjectMean::scores)
        .findFirst();
  }

  /** The 95 % bootstrap interval of a method's mean over its subjects. */
  public ConfidenceInterval interval(String method, Metric metric) {
    double[] values =
        subjectMeans.stream()
            .filter(mean -> mean.method().equals(method))
            .mapToDouble(mean -> metric.of(mean.scores()))
            .toArray();
    return Bootstrap.overSubjects(values, Bootstrap.LEVEL, Bootstrap.RESAMPLES, BOOTSTRAP_SEED);
  }

  /** For the terminal: a line a subject, then a row a method. */
  public String render() {
    return new ScoreTableText(this).render();
  }

  private static SubjectMean subjectMean(
      String subject, String method, Collection<List<Scores>> prompts) {
    return new SubjectMean(
        subject,
        method,
        prompts.stream().mapToInt(List::size).sum(),
        Scores.mean(prompts.stream().map(Scores::mean).toList()));
  }

  private static MethodMean methodMean(List<SubjectMean> subjects) {
    return new MethodMean(
        subjects.get(0).method(),
        subjects.size(),
        subjects.stream().mapToInt(SubjectMean::images).sum(),
        Scores.mean(subjects.stream().map(SubjectMean::scores).toList()));
  }
}
