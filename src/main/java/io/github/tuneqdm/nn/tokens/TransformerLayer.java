package io.github.tuneqdm.nn.tokens;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.tensor.BlockWeights;
import java.util.List;

/**
 * BasicTransformerBlock: layers attn1 q k v out, attn2 q k v out, ff in, ff out; norms norm1,
 * norm2, norm3. Each of its three parts adds its result to h (B, H, W, D).
 */
final class TransformerLayer {
  static final int LAYERS = 10;
  static final int NORMS = 3;
  private static final double EPS = 1e-5;

  private final BlockWeights w;
  private final AttentionLayers self;
  private final AttentionLayers cross;
  private final int ffIn;
  private final int ffOut;
  private final int firstNorm;

  private NDArray h0; // (B, H, W, D), before self-attention
  private NDArray h1; // before cross-attention
  private NDArray h2; // before the feed-forward part
  private NDArray stats1; // (B, H W, 2)
  private NDArray stats2;
  private NDArray stats3;
  private NDArray vIn; // (B, H, W, 8 D), ff in without ratios and bias
  private NDArray vOut; // (B, H, W, D)

  TransformerLayer(BlockWeights w, int first, int firstNorm, int heads) {
    this.w = w;
    this.self = new AttentionLayers(w, first, heads);
    this.cross = new AttentionLayers(w, first + 4, heads);
    this.ffIn = first + 8;
    this.ffOut = first + 9;
    this.firstNorm = firstNorm;
  }

  NDArray forward(Pass p, NDArray h, NDArray context) {
    h0 = h;
    List<NDArray> n = normed(p, h0, 0, self.inputColumns(p, true));
    stats1 = keep(p, n.get(0));
    h1 = self.forward(p, n.get(1), n.get(2), n.get(3), h0, p.kept());
    n.forEach(NDArray::close);

    n = normed(p, h1, 1, cross.inputColumns(p, false));
    stats2 = keep(p, n.get(0));
    NDArray ck = p.temp().scale(context, p.d(w, cross.key()));
    NDArray cv = p.temp().scale(context, p.d(w, cross.value()));
    h2 = cross.forward(p, n.get(1), ck, cv, h1, p.kept());
    n.forEach(NDArray::close);

    n = normed(p, h2, 2, new int[] {p.dColumn(w, ffIn)});
    stats3 = keep(p, n.get(0));
    vIn = p.linear(p.kept(), w, ffIn, n.get(1));
    n.forEach(NDArray::close);
    NDArray e = p.temp().geglu(vIn, p.r(w, ffIn), w.bias(ffIn), p.d(w, ffOut)); // (B, H, W, 4 D)
    vOut = p.linear(p.kept(), w, ffOut, e);
    e.close();
    return p.kept().affine(vOut, p.r(w, ffOut), w.bias(ffOut), h2);
  }

  /** The gradient of h; g is that of the result. */
  NDArray backward(Pass p, NDArray g, NDArray context) {
    NDArray to = p.gradients();
    NDArray gv = p.temp().scaleBackward(g, vOut, p.r(w, ffOut), to, null);
    vOut.close();
    NDArray ge = p.linearBackward(p.temp(), w, ffOut, gv);
    gv.close();
    NDArray gIn = p.temp().gegluBackward(ge, vIn, p.r(w, ffIn), w.bias(ffIn), p.d(w, ffOut), to);
    ge.close();
    NDArray gn = p.linearBackward(p.temp(), w, ffIn, gIn);
    gIn.close();
    NDArray g2 = normBackward(p, List.of(gn), h2, stats3, 2, new int[] {p.dColumn(w, ffIn)}, g);
    gn.close();

    List<NDArray> parts = cross.backward(p, g2);
    p.temp().scaleBackward(parts.get(1), context, p.d(w, cross.key()), to, null).close();
    p.temp().scaleBackward(parts.get(2), context, p.d(w, cross.value()), to, null).close();
    NDArray g1 =
        normBackward(p, parts.subList(0, 1), h1, stats2, 1, cross.inputColumns(p, false), g2);
    parts.forEach(NDArray::close);
    g2.close();

    parts = self.backward(p, g1);
    NDArray g0 = normBackward(p, parts, h0, stats1, 0, self.inputColumns(p, true), g1);
    parts.forEach(NDArray::close);
    g1.close();
    return g0;
  }

  private List<NDArray> normed(Pass p, NDArray h, int norm, int[] columns) {
    int j = firstNorm + norm;
    return p.temp().layerNorm(h, w.normWeight(j), w.normBias(j), EPS, p.scales(), columns);
  }

  private static NDArray keep(Pass p, NDArray x) {
    return p.kept().like(x, x, x.getShape().getShape());
  }

  private NDArray normBackward(
      Pass p, List<NDArray> g, NDArray h, NDArray stats, int norm, int[] columns, NDArray add) {
    int j = firstNorm + norm;
    return p.temp()
        .layerNormBackward(
            g, h, stats, w.normWeight(j), w.normBias(j), p.scales(), columns, p.gradients(), add);
  }
}
