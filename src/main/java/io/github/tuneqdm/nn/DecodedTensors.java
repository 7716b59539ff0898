package io.github.tuneqdm.nn;

import io.github.tuneqdm.parallel.Ahead;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;

/** A model's tensors, decoded a bounded stretch ahead of the one who takes them in order. */
final class DecodedTensors implements AutoCloseable {
  /** A dozen of Stable Diffusion's larger tensors, or two of its largest. */
  private static final long BYTES_AHEAD = 256 << 20;

  /** Brings one tensor to float32. */
  @FunctionalInterface
  interface Decoder {
    ByteBuffer decode(String name, long[] shape);
  }

  private final Decoder decoder;
  private final Deque<String> names;
  private final Ahead<ByteBuffer> ahead;

  /**
   * @param plan shapes of the tensors that will be asked for, by name and in that order
   */
  DecodedTensors(Map<String, long[]> plan, Decoder decoder) {
    this.decoder = decoder;
    this.names = new ArrayDeque<>(plan.keySet());
    this.ahead =
        Ahead.weighed(
            List.copyOf(plan.entrySet()),
            tensor -> decoder.decode(tensor.getKey(), tensor.getValue()),
            tensor -> bytes(tensor.getValue()),
            BYTES_AHEAD);
  }

  private static long bytes(long[] shape) {
    return Arrays.stream(shape).reduce(Float.BYTES, Math::multiplyExact);
  }

  /** The next tensor of the plan, or one beside it. */
  ByteBuffer take(String name, long[] shape) {
    if (!name.equals(names.peek())) {
      return decoder.decode(name, shape);
    }
    names.remove();
    return ahead.next();
  }

  /** Drops what was not taken. */
  @Override
  public void close() {
    names.clear();
    ahead.close();
  }
}
