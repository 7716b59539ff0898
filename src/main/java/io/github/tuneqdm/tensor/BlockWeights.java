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
  private final List<NDArray> operands;
  private final long[] widths;
  private final IValue tensors;
  private final IValue sizes;
  private final int scaleIndex;
  private final int firstColumn;

  /**
   * @param tensors in the kernel's order
   * @param sizes C_out of each layer, then C_in of each layer
   * @param scaleIndex which piece of the {@link ScaleRows} belongs to this block, or -1
   * @param firstColumn where that piece begins in a whole row
   */
  public BlockWeights(List<NDArray> tensors, long[] sizes, int scaleIndex, int firstColumn) {
    PtNDArray[] array = new PtNDArray[tensors.size()];
    for (int i = 0; i < array.length; i++) {
      array[i] = (PtNDArray) tensors.get(i);
    }
    this.operands = List.copyOf(tensors);
    this.widths = sizes;
    this.tensors = IValue.listFrom(array);
    this.sizes = IValue.listFrom(sizes);
    this.scaleIndex = scaleIndex;
    this.firstColumn = firstColumn;
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

  /** How many Linear and Conv2d layers there are. */
  public int layers() {
    return widths.length / 2;
  }

  /** The weight of layer i. */
  public NDArray weight(int i) {
    return operands.get(2 * i);
  }

  /** The bias of layer i (C_out,), or an empty tensor. */
  public NDArray bias(int i) {
    return operands.get(2 * i + 1);
  }

  /** The weight of norm j (C,). */
  public NDArray normWeight(int j) {
    return operands.get(2 * (layers() + j));
  }

  /** The bias of norm j (C,). */
  public NDArray normBias(int j) {
    return operands.get(2 * (layers() + j) + 1);
  }

  /** Where the ratios {@code r} of layer i begin in a row of scales, or -1. */
  public int outColumn(int i) {
    return column(i);
  }

  /** Where {@code delta_in} of layer i begins in a row of scales, or -1. */
  public int inColumn(int i) {
    return column(layers() + i);
  }

  private int column(int piece) {
    if (scaleIndex < 0) {
      return -1;
    }
    int at = firstColumn;
    for (int k = 0; k < piece; k++) {
      at += (int) widths[k];
    }
    return at;
  }

  @Override
  public void close() {
    tensors.close();
    sizes.close();
  }
}
