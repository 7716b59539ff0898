package io.github.tuneqdm.nn;

import java.util.ArrayList;
import java.util.List;

/**
 * Where the scales of every tunable layer stand in one flat row: P columns, the layers' delta_out
 * and delta_in grouped by block. A subject with N experts is N such rows.
 *
 * @param layers in module order of diffusers' named_modules
 * @param blockWidths columns of each block, in order; they add up to P
 */
public record ScaleLayout(List<Layer> layers, List<Integer> blockWidths) {

  /**
   * One Linear or Conv2d.
   *
   * @param outColumn first of the layer's cOut delta_out columns
   * @param inColumn first of the layer's cIn delta_in columns
   */
  public record Layer(String name, int cOut, int cIn, int outColumn, int inColumn) {}

  public ScaleLayout {
    layers = List.copyOf(layers);
    blockWidths = List.copyOf(blockWidths);
  }

  /** P: scales an expert. */
  public int width() {
    return blockWidths.stream().mapToInt(Integer::intValue).sum();
  }

  public long[] blockSizes() {
    return blockWidths.stream().mapToLong(Integer::longValue).toArray();
  }

  /** Collects layers while a model is built. */
  static final class Builder {
    private final List<Layer> layers = new ArrayList<>();
    private final List<Integer> blockWidths = new ArrayList<>();
    private int width;

    /** Columns of the blocks so far. */
    int width() {
      return width;
    }

    /** Adds a block's layers, given as names with C_out and C_in, and returns the block's index. */
    int addBlock(List<String> names, List<Integer> outs, List<Integer> ins) {
      int out = width;
      int in = width + outs.stream().mapToInt(Integer::intValue).sum();
      for (int i = 0; i < names.size(); i++) {
        layers.add(new Layer(names.get(i), outs.get(i), ins.get(i), out, in));
        out += outs.get(i);
        in += ins.get(i);
      }
      blockWidths.add(in - width);
      width = in;
      return blockWidths.size() - 1;
    }

    ScaleLayout build() {
      return new ScaleLayout(layers, blockWidths);
    }
  }
}
