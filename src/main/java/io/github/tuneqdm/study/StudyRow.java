package io.github.tuneqdm.study;

/**
 * A row of {@code results.parquet}: a subject, trained in a cell with a rate and a seed. Scores are
 * means over the subject's prompts. What was not measured is missing; where {@code failure} says
 * why, so are the scores.
 *
 * @param learningRate missing where nothing is trained; and, as the run, where none could be chosen
 * @param bits of the quantised base; 0 where the method uses none
 * @param method as tables call it
 * @param runId names the run's folder beside {@code studies}
 * @param clipT against the prompts without the identifier
 * @param clipTWithIdentifier against the prompts that the pictures were sampled from
 * @param trainedParameters of the subject
 * @param storedBytes of its file
 */
public record StudyRow(
    String cell,
    Double learningRate,
    long seed,
    String subject,
    String runId,
    int bits,
    String method,
    Integer steps,
    Double dino,
    Double clipI,
    Double clipT,
    Double clipTWithIdentifier,
    Long trainedParameters,
    Long storedBytes,
    String failure) {

  /** The row of a subject that came to nothing. */
  public static StudyRow failed(
      String cell,
      Double learningRate,
      long seed,
      String subject,
      String runId,
      int bits,
      String failure) {
    return new StudyRow(
        cell,
        learningRate,
        seed,
        subject,
        runId,
        bits,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        failure);
  }
}
