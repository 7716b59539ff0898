package io.github.tuneqdm.spark;

import io.github.tuneqdm.storage.StoredTensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What training made of a subject.
 *
 * @param deltas {@code <layer>.delta_out} (N, C_out) and {@code <layer>.delta_in} (N, C_in) in
 *     float32; empty where training failed
 * @param failure why it failed, in a sentence
 * @param steps in order, as far as it came
 */
public record TunedSubject(
    String name,
    Map<String, StoredTensor> deltas,
    Optional<String> failure,
    List<StepRecord> steps) {}
