package io.github.tuneqdm.nn;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.tensor.BlockWeights;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * A network's blocks with other tensors in the place of some of its own, for one pass: so weights
 * that are themselves results of autograd pass through a network that keeps nothing of them.
 */
public final class ReplacedWeights implements UnaryOperator<BlockWeights>, AutoCloseable {
  private final Map<NDArray, NDArray> tensors;
  private final Map<BlockWeights, BlockWeights> blocks = new IdentityHashMap<>();

  /**
   * @param tensors the network's own, by identity, to those in their place; the others stay
   */
  public ReplacedWeights(Map<NDArray, NDArray> tensors) {
    this.tensors = new IdentityHashMap<>(tensors);
  }

  @Override
  public BlockWeights apply(BlockWeights own) {
    return blocks.computeIfAbsent(own, b -> b.with(t -> tensors.getOrDefault(t, t)));
  }

  /** Frees what was handed out; the tensors stay their owners'. */
  @Override
  public void close() {
    blocks.values().forEach(BlockWeights::close);
  }
}
