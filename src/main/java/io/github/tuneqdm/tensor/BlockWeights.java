package io.github.tuneqdm.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.IValue;
import java.util.List;

/**
 * The frozen tensors that one kernel call reads: (weight, bias) of each Linear and Conv2d layer in
 * order, then (weight, bias) of each norm. Handed to libtorch once, as a list, and reused.
 */
public final class BlockWeights implements AutoCloseable {
  private final IValue tensors;
  private final IValue sizes;
  private final int scaleIndex;

  /**
   * @param tensors in the kernel's order
   * @param sizes C_out of each layer, then C_in of each layer
   * @param scaleIndex which piece of the {@link ScaleRows} belongs to this block, or -1
   */
  public BlockWeights(List<NDArray> tensors, long[] sizes, int scaleIndex) {
    PtNDArray[] array = new PtNDArray[tensors.size()];
    for (int i = 0; i < array.length; i++) {
      array[i] = (PtNDArray) tensors.get(i);
    }
    this.tensors = IValue.listFrom(array);
    this.sizes = IValue.listFrom(sizes);
    this.scaleIndex = scaleIndex;
  }

  IValue tensors() {
    return tensors;
  }

  IValue sizes() {
    return sizes;
  }

  int scaleIndex() {
    return scaleIndex;
  }

  @Override
  public void close() {
    tensors.close();
    sizes.close();
  }
}
