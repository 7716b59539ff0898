package io.github.tuneqdm.bench;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One measurement. What does not apply to it is 0 or empty.
 *
 * @param what is measured, such as {@code train} or {@code sample}
 * @param subjects in a batch
 * @param batch samples or pictures a subject
 * @param bits of the base's weights
 * @param mode in which the base's weights lie in memory
 * @param precision of weights and activations, such as {@code float16}
 * @param time of one piece of work: a training step, a batch of pictures, a pass over all layers
 * @param memory of the device
 * @param teraFlops achieved in a second, in the network's own operations; 0 where nobody counts
 * @param rates things done in a second by the median time, by their names
 */
public record BenchRow(
    String what,
    int subjects,
    int batch,
    int bits,
    String mode,
    String precision,
    Timings time,
    Memory memory,
    double teraFlops,
    Map<String, Double> rates) {

  /**
   * Bytes above what the libraries themselves take; all 0 on a CPU.
   *
   * @param network held by the frozen network alone
   * @param peak the most in use at any time
   * @param reserved still held at the end, the allocator's cache included
   */
  public record Memory(long network, long peak, long reserved) {
    static final Memory NONE = new Memory(0, 0, 0);
  }

  public BenchRow {
    rates = Collections.unmodifiableMap(new LinkedHashMap<>(rates));
  }
}
