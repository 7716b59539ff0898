package io.github.tuneqdm.bench;

/**
 * One measurement.
 *
 * @param what is measured, such as {@code train} or {@code sample}
 * @param subjects in a batch
 * @param batch samples a subject
 * @param bits of the base's weights
 * @param precision of weights and activations
 * @param millis of one training step, or of making one batch of pictures: median of the sections
 * @param minMillis the fastest section's
 * @param maxMillis the slowest section's
 * @param samplesPerSecond samples trained, or pictures made, by the median
 * @param stepsPerSecond subjects' training steps, or denoising steps of pictures, by the median
 * @param baseBytes device memory for the network alone, above the libraries' own; 0 on a CPU
 * @param peakBytes the most device memory in use, above the libraries' own; 0 on a CPU
 * @param teraFlops achieved in a second, in the model's own operations; 0 where unknown
 */
public record BenchRow(
    String what,
    int subjects,
    int batch,
    int bits,
    String precision,
    double millis,
    double minMillis,
    double maxMillis,
    double samplesPerSecond,
    double stepsPerSecond,
    long baseBytes,
    long peakBytes,
    double teraFlops) {}
