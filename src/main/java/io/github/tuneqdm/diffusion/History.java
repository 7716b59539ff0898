package io.github.tuneqdm.diffusion;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.ArrayDeque;
import java.util.Deque;

/** The last few tensors of a multistep solver, kept alive apart from any step's manager. */
final class History implements AutoCloseable {
  private final int capacity;
  private final NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");
  private final Deque<NDArray> newestFirst = new ArrayDeque<>();

  History(int capacity) {
    this.capacity = capacity;
  }

  /** Takes ownership of {@code array}; the oldest tensor past the capacity is freed. */
  void add(NDArray array) {
    array.attach(manager);
    newestFirst.addFirst(array);
    if (newestFirst.size() > capacity) {
      newestFirst.removeLast().close();
    }
  }

  /** Keeps a copy in {@code sample}'s working type. */
  void addCopy(NDArray array, NDArray sample) {
    DataType type = LatentMath.workingType(sample);
    // toType to the same type would share the caller's memory
    add(array.getDataType() == type ? array.duplicate() : array.toType(type, false));
  }

  /** The tensor added {@code back} additions before the newest. */
  NDArray get(int back) {
    return newestFirst.stream().skip(back).findFirst().orElseThrow();
  }

  int size() {
    return newestFirst.size();
  }

  void clear() {
    newestFirst.forEach(NDArray::close);
    newestFirst.clear();
  }

  @Override
  public void close() {
    manager.close();
  }
}
