package io.github.tuneqdm.spark;

import java.io.Serializable;

/** A picture of the run: a row of {@code images.parquet}. */
public record ImageRow(
    String subject,
    String method,
    int promptIndex,
    String prompt,
    long seed,
    String imagePath,
    String sha256)
    implements Serializable {}
