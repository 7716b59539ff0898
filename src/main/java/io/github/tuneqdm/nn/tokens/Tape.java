package io.github.tuneqdm.nn.tokens;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tuneqdm.tensor.TokenOps;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Runs blocks forward, remembers them, and runs them backward. With {@code recompute} it keeps
 * nothing but the blocks' inputs, and runs each block forward again before its backward pass;
 * inputs that are cheap to make are made again, too.
 */
final class Tape {
  private record Entry(TokenBlock block, NDArray[] in, NDArray out, NDManager kept) {}

  private final NDManager scope;
  private final TokenOps ops;
  private final NDArray scales;
  private final NDArray gradients;
  private final boolean recompute;
  private final Deque<Entry> entries = new ArrayDeque<>();
  private final Map<NDArray, Entry> cheap = new IdentityHashMap<>();

  /**
   * @param scope owns results and all that is kept
   * @param gradients (B, P), or null: then nothing is remembered
   */
  Tape(NDManager scope, TokenOps ops, NDArray scales, NDArray gradients, boolean recompute) {
    this.scope = scope;
    this.ops = ops.in(scope);
    this.scales = scales;
    this.gradients = gradients;
    this.recompute = recompute;
  }

  boolean recording() {
    return gradients != null;
  }

  /** The block's result, which belongs to the scope. */
  NDArray run(TokenBlock block, NDArray... in) {
    NDManager kept = scope.newSubManager();
    NDArray out;
    try (NDManager temp = scope.newSubManager()) {
      boolean later = !recording() || recompute;
      out =
          block.forward(
              new Pass(ops, ops.in(kept), ops.in(temp), scales, later ? null : gradients), in);
    }
    if (!recording()) {
      kept.close();
      return out;
    }
    if (recompute) {
      kept.close();
    }
    Entry entry = new Entry(block, in, out, kept);
    entries.push(entry);
    if (recompute && block.isCheap()) {
      cheap.put(out, entry);
    }
    return out;
  }

  /** Nobody needs x any more, but for the backward pass. */
  void release(NDArray x) {
    if (!recording() || cheap.containsKey(x)) {
      x.close();
    }
  }

  /** An entry's inputs, in {@code temp} where they have to be made again. */
  private NDArray[] inputs(Entry entry, NDManager temp) {
    NDArray[] in = entry.in.clone();
    for (int i = 0; i < in.length; i++) {
      Entry source = cheap.get(in[i]);
      if (source != null) {
        TokenOps here = ops.in(temp);
        in[i] = source.block.forward(new Pass(here, here, here, scales, null), source.in);
      }
    }
    return in;
  }

  /** Sums the gradients of all scales; g is that of {@code result}, the last block's. */
  void backward(NDArray result, NDArray g) {
    Map<NDArray, NDArray> pending = new IdentityHashMap<>();
    pending.put(result, g);
    while (!entries.isEmpty()) {
      Entry entry = entries.pop();
      NDArray own = pending.remove(entry.out);
      entry.out.close();
      NDManager kept = recompute ? scope.newSubManager() : entry.kept;
      try (NDManager temp = scope.newSubManager()) {
        NDArray[] in = inputs(entry, temp);
        if (recompute) {
          try (NDManager again = scope.newSubManager();
              NDManager forward = scope.newSubManager()) {
            entry.block.forward(
                new Pass(ops.in(again), ops.in(kept), ops.in(forward), scales, gradients), in);
          }
        }
        NDArray[] before =
            entry.block.backward(
                new Pass(ops, ops.in(kept), ops.in(temp), scales, gradients), own, in);
        for (int i = 0; i < before.length; i++) {
          if (before[i] != null) {
            pending.merge(entry.in[i], before[i], this::sum);
          }
        }
      }
      own.close();
      kept.close();
    }
  }

  private NDArray sum(NDArray a, NDArray b) {
    NDArray sum = ops.add(a, b);
    a.close();
    b.close();
    return sum;
  }
}
