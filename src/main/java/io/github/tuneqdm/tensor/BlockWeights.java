package io.github.tuneqdm.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.IValue;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * The frozen tensors that one kernel call reads: (weight, bias) of each Linear and Conv2d layer in
 * order, then (weight, bias) of each norm. Handed to libtorch once, as a list, and reused.
 */
public final class BlockWeights implements AutoCloseable {
  private final List<FrozenWeight> weights;
  private final List<NDArray> others;
  private final long[] widths;
  private final IValue tensors;
  private final IValue sizes;
  private final int scaleIndex;
  private final int firstColumn;

  /**
   * @param weights of the layers
   * @param others the layers' biases, absent ones empty, then (weight, bias) of each norm
   * @param sizes C_out of each layer, then C_in of each layer
   * @param scaleIndex which piece of the {@link ScaleRows} belongs to this block, or -1
   * @param firstColumn where that piece begins in a whole row
   */
  public BlockWeights(
      List<FrozenWeight> weights,
      List<NDArray> others,
      long[] sizes,
      int scaleIndex,
      int firstColumn) {
    this.weights = List.copyOf(weights);
    this.others = List.copyOf(others);
    this.widths = sizes;
    this.tensors = list();
    this.sizes = IValue.listFrom(sizes);
    this.scaleIndex = scaleIndex;
    this.firstColumn = firstColumn;
  }

  /** The same block with other resident tensors; close it before they go. */
  public BlockWeights with(UnaryOperator<NDArray> tensors) {
    List<FrozenWeight> replaced = new ArrayList<>();
    for (FrozenWeight weight : weights) {
      replaced.add(
          weight instanceof FrozenWeight.Resident resident
              ? new FrozenWeight.Resident(tensors.apply(resident.tensor()))
              : weight);
    }
    return new BlockWeights(
        replaced, others.stream().map(tensors).toList(), widths, scaleIndex, firstColumn);
  }

  /** All tensors in the kernels' order; nothing where weights are packed. */
  private IValue list() {
    List<PtNDArray> all = new ArrayList<>();
    for (int i = 0; i < weights.size(); i++) {
      if (!(weights.get(i) instanceof FrozenWeight.Resident resident)) {
        return null;
      }
      all.add((PtNDArray) resident.tensor());
      all.add((PtNDArray) others.get(i));
    }
    others.subList(weights.size(), others.size()).forEach(n -> all.add((PtNDArray) n));
    return IValue.listFrom(all.toArray(PtNDArray[]::new));
  }

  IValue tensors() {
    if (tensors == null) {
      throw new IllegalStateException("packed weights run in TokenBlocks alone");
    }
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
    return weights.size();
  }

  /** The weight of layer i. */
  public FrozenWeight weight(int i) {
    return weights.get(i);
  }

  /** The bias of layer i (C_out,), or an empty tensor. */
  public NDArray bias(int i) {
    return others.get(i);
  }

  /** The weight of norm j (C,). */
  public NDArray normWeight(int j) {
    return others.get(layers() + 2 * j);
  }

  /** The bias of norm j (C,). */
  public NDArray normBias(int j) {
    return others.get(layers() + 2 * j + 1);
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
    if (tensors != null) {
      tensors.close();
    }
    sizes.close();
  }
}
