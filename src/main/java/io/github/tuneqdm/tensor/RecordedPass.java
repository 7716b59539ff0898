package io.github.tuneqdm.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.tensor.cuda.CudaGraph;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The same computation over many inputs. On GPUs it runs once, is recorded on the second call with
 * inputs of the same shapes, and is replayed from then on: the host queues a pass of thousands of
 * kernels as one.
 */
public final class RecordedPass implements AutoCloseable {

  /** What a pass computes. */
  @FunctionalInterface
  public interface Work {
    /**
     * @param scope takes all results; on GPUs nothing may be copied from or to the host
     * @param inputs as given to {@link #run}, or copies
     */
    NDArray compute(NDManager scope, List<NDArray> inputs);
  }

  private final Compute compute;
  private final Work work;
  private final Map<List<Shape>, Recording> recordings = new HashMap<>();

  public RecordedPass(Compute compute, Work work) {
    this.compute = compute;
    this.work = work;
  }

  /** Those of {@code inputs} that are not null. */
  public static NDArray[] present(NDArray... inputs) {
    return Arrays.stream(inputs).filter(Objects::nonNull).toArray(NDArray[]::new);
  }

  /** The pass's result for these inputs, which belongs to {@code owner}. */
  public NDArray run(NDManager owner, NDArray... inputs) {
    if (compute.cuda().isEmpty()) {
      return once(owner, List.of(inputs));
    }
    List<Shape> shapes = Arrays.stream(inputs).map(NDArray::getShape).toList();
    Recording recording = recordings.get(shapes);
    if (recording == null) {
      NDArray first = once(owner, List.of(inputs));
      recordings.put(shapes, new Recording());
      return first;
    }
    return recording.run(owner, inputs);
  }

  private NDArray once(NDManager owner, List<NDArray> inputs) {
    try (NDManager scope = compute.scope()) {
      NDArray result = work.compute(scope, inputs);
      result.attach(owner);
      return result;
    }
  }

  /** Gives back the memory of all recordings. */
  @Override
  public void close() {
    recordings.values().forEach(Recording::close);
    recordings.clear();
  }

  /** One set of shapes: a graph that reads from buffers. */
  private final class Recording implements AutoCloseable {
    private final NDManager owner = compute.scope();
    private final List<NDArray> buffers = new ArrayList<>();
    private NDArray result;
    private CudaGraph graph;

    NDArray run(NDManager scope, NDArray... inputs) {
      if (graph == null) {
        for (NDArray input : inputs) {
          NDArray buffer = input.duplicate();
          buffer.attach(owner);
          buffers.add(buffer);
        }
        graph = CudaGraph.record(compute.cuda().orElseThrow(), () -> result = once(owner, buffers));
      } else {
        for (int i = 0; i < inputs.length; i++) {
          compute.tokenOps().copy(inputs[i], buffers.get(i));
        }
      }
      graph.replay();
      return compute.tokenOps().in(scope).clone(result);
    }

    @Override
    public void close() {
      if (graph != null) {
        graph.close();
      }
      owner.close();
    }
  }
}
