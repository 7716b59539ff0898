package io.github.tuneqdm.tuning;

import io.github.tuneqdm.storage.StoredTensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What training made of a subject's weights.
 *
 * @param tensors by their names in a checkpoint; empty where training failed, or was stopped before
 *     its end
 * @param trained how many numbers were trained
 * @param failure why it failed, in a sentence
 * @param steps as far as it came
 */
public record TunedWeights(
    String name,
    Optional<Map<String, StoredTensor>> tensors,
    long trained,
    Optional<String> failure,
    List<StepRecord> steps) {}
