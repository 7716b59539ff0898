package io.github.tuneqdm.tuning;

import io.github.tuneqdm.storage.DType;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import java.util.Map;
import java.util.Set;

/** Tensors that lie in no file. */
record Tensors(Map<String, StoredTensor> byName) implements TensorSource {
  @Override
  public Set<String> names() {
    return byName.keySet();
  }

  @Override
  public StoredTensor tensor(String name) {
    return byName.get(name);
  }

  @Override
  public DType dtype(String name) {
    return byName.get(name).dtype();
  }

  @Override
  public long[] shape(String name) {
    return byName.get(name).shape();
  }

  @Override
  public Map<String, String> metadata() {
    return Map.of();
  }

  @Override
  public void close() {}
}
