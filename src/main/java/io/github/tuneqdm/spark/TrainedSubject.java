package io.github.tuneqdm.spark;

import io.github.tuneqdm.tuning.StepRecord;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A subject that is ready to be published.
 *
 * @param deltas the content of {@code deltas.safetensors} in pieces: its length, its header, the
 *     tensors
 * @param trainedParameters how many numbers were trained
 * @param steps none where nothing was trained
 * @param rejects photos that it was trained without
 */
record TrainedSubject(
    String name,
    List<ByteBuffer> deltas,
    long trainedParameters,
    List<StepRecord> steps,
    List<RejectedPhoto> rejects) {}
