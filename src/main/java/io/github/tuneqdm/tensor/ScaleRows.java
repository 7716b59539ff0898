package io.github.tuneqdm.tensor;

import ai.djl.ndarray.NDArray;
import java.util.List;

/**
 * Each sample's scales of one forward pass, a piece a block: (B, P_block) holding the ratios {@code
 * r = delta_out / scale} of the block's layers, then their {@code delta_in}.
 *
 * @param pieces in the network's precision, indexed by {@code BlockWeights}; empty for a network
 *     without scales
 */
public record ScaleRows(List<NDArray> pieces) {
  /** For networks without scales: float bases and encoders. */
  public static final ScaleRows NONE = new ScaleRows(List.of());

  public ScaleRows {
    pieces = List.copyOf(pieces);
  }

  NDArray[] of(BlockWeights block) {
    return pieces.isEmpty() || block.scaleIndex() < 0
        ? new NDArray[0]
        : new NDArray[] {pieces.get(block.scaleIndex())};
  }
}
