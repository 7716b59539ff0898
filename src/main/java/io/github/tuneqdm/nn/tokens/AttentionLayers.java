package io.github.tuneqdm.nn.tokens;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.TokenOps;
import io.github.tuneqdm.tensor.TokenOps.Attended;
import java.util.List;

/** Four layers of attention: q, k, v and out. */
final class AttentionLayers {
  private final BlockWeights w;
  private final int first;
  private final int heads;

  // Without ratios and bias, and what attention itself keeps; q shaped as the tokens that ask.
  private NDArray vq;
  private NDArray vk;
  private NDArray vv;
  private Attended attended;
  private NDArray vo;

  AttentionLayers(BlockWeights w, int first, int heads) {
    this.w = w;
    this.first = first;
    this.heads = heads;
  }

  int key() {
    return first + 1;
  }

  int value() {
    return first + 2;
  }

  private int out() {
    return first + 3;
  }

  /** Where the input scales of q, and of k and v where they have the same input, begin. */
  int[] inputColumns(Pass p, boolean all) {
    return all
        ? new int[] {p.dColumn(w, first), p.dColumn(w, key()), p.dColumn(w, value())}
        : new int[] {p.dColumn(w, first)};
  }

  /** {@code add + out(attention)} in {@code owner}, from the scaled inputs of q, k and v. */
  NDArray forward(Pass p, NDArray xq, NDArray xk, NDArray xv, NDArray add, TokenOps owner) {
    vq = p.linear(p.kept(), w, first, xq);
    vk = p.linear(p.kept(), w, key(), xk);
    vv = p.linear(p.kept(), w, value(), xv);
    NDArray q = p.temp().affine(vq, p.r(w, first), w.bias(first), null);
    NDArray k = p.temp().affine(vk, p.r(w, key()), w.bias(key()), null);
    NDArray v = p.temp().affine(vv, p.r(w, value()), w.bias(value()), null);
    attended = p.kept().attend(q, k, v, heads, p.recording());
    q.close();
    k.close();
    v.close();
    NDArray a = p.temp().scale(attended.out(), p.d(w, out()));
    vo = p.linear(p.kept(), w, out(), a);
    a.close();
    return owner.affine(vo, p.r(w, out()), w.bias(out()), add);
  }

  /** The gradients of the scaled inputs of q, k and v. */
  List<NDArray> backward(Pass p, NDArray g) {
    NDArray to = p.gradients();
    NDArray gvo = p.temp().scaleBackward(g, vo, p.r(w, out()), to, null);
    NDArray gs = p.linearBackward(p.temp(), w, out(), gvo);
    gvo.close();
    NDArray ga = p.temp().scaleBackward(gs, attended.out(), p.d(w, out()), to, null);
    gs.close();
    List<NDArray> parts = p.temp().attendBackward(attended.operands(), ga, vq, vk, vv);
    ga.close();
    List<NDArray> inputs =
        List.of(
            input(p, first, parts.get(0), vq),
            input(p, key(), parts.get(1), vk),
            input(p, value(), parts.get(2), vv));
    parts.forEach(NDArray::close);
    return inputs;
  }

  private NDArray input(Pass p, int layer, NDArray g, NDArray v) {
    NDArray gv = p.temp().scaleBackward(g, v, p.r(w, layer), p.gradients(), null);
    NDArray gx = p.linearBackward(p.temp(), w, layer, gv);
    gv.close();
    return gx;
  }
}
