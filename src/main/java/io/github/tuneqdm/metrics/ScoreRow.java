package io.github.tuneqdm.metrics;

import java.io.Serializable;

/**
 * One generated image and its scores.
 *
 * @param method what made it, see {@link Methods}
 * @param promptIndex of the template in the prompt set, from 0
 * @param prompt the text it was sampled from
 * @param imagePath relative to the run's folder
 * @param dino mean cosine to the subject's photos in DINO's space
 * @param clipI the same in CLIP's image space
 * @param clipT cosine to the prompt's text in CLIP's space
 */
public record ScoreRow(
    String subject,
    String method,
    int promptIndex,
    String prompt,
    long seed,
    String imagePath,
    double dino,
    double clipI,
    double clipT)
    implements Serializable {
  public Scores scores() {
    return new Scores(dino, clipI, clipT);
  }
}
