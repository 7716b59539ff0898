package io.github.tuneqdm.metrics;

/**
 * A number about a set of pictures as a whole: a row of {@code sets.parquet}.
 *
 * @param name such as {@code FD-DINO}
 * @param deviation over the subsets or splits that were drawn; empty where there was one alone
 * @param images in the set
 * @param references in the set it is compared with; 0 where there is none
 */
public record SetScore(String name, double value, Double deviation, int images, int references) {}
