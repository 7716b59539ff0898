package io.github.tuneqdm.storage;

import java.util.Map;
import java.util.Set;

/** A named collection of tensors: one file, several shards, or a whole model folder. */
public interface TensorSource extends AutoCloseable {

  /** All names, in the order of the file. */
  Set<String> names();

  /**
   * The tensor of that name.
   *
   * @throws io.github.tuneqdm.error.TuneQdmException (input data) naming file and tensor where
   *     there is none
   */
  StoredTensor tensor(String name);

  /** The tensor's type without touching its data; same errors as {@link #tensor}. */
  DType dtype(String name);

  /** The tensor's extents without touching its data; same errors as {@link #tensor}. */
  long[] shape(String name);

  /** Free text that came with the tensors; empty where there is none. */
  Map<String, String> metadata();

  /** Releases the files. Tensors handed out before stay readable. */
  @Override
  void close();
}
