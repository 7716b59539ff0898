package io.github.tuneqdm.spark;

/**
 * A picture of a folder that was scored as it was found: a row of {@code pictures.parquet}. Empty
 * what was not asked for.
 *
 * @param file relative to the folder
 */
public record PictureScore(String file, String prompt, Double dino, Double clipI, Double clipT) {}
