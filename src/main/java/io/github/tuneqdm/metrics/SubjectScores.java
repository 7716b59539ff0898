package io.github.tuneqdm.metrics;

import java.io.Serializable;

/**
 * A subject's means with one method, and what can only be said of its pictures together. Empty
 * where it was not measured or there were too few pictures.
 *
 * @param images how many were scored
 * @param clipT against the prompts without the identifier
 * @param clipTWithIdentifier against the very prompts that the pictures were sampled from
 * @param realDino the ceiling: {@link Similarity#realAgainstReal} of the real photos
 * @param realClipI the same in CLIP's image space
 * @param dinoDiversity {@link Similarity#diversity} of the pictures of a prompt, in DINO's space;
 *     mean over prompts
 * @param priorImages pictures of the plain class prompt
 * @param priorDino likeness of those to the subject's photos: how much of the class the subject has
 *     taken over. Lower is better
 * @param photosSha256 of the photos that all this was measured against
 */
public record SubjectScores(
    String subject,
    String method,
    int images,
    double dino,
    double clipI,
    double clipT,
    double clipTWithIdentifier,
    Double realDino,
    Double realClipI,
    Double dinoDiversity,
    int priorImages,
    Double priorDino,
    String photosSha256)
    implements Serializable {}
