package io.github.tuneqdm.nn.tokens;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.TokenOps.GroupNorm;
import io.github.tuneqdm.tensor.TokenOps.Shifted;

/**
 * Transformer2DModel: layers proj_in, depth x ten of {@link TransformerLayer}, proj_out; norms
 * norm, depth x three. Inputs: x (B, H, W, C) and context (B, M, D).
 */
final class TransformerTokens implements TokenBlock {
  private static final int PROJ_IN = 0;
  private static final double EPS = 1e-6;

  private final BlockWeights w;
  private final GroupNorm norm;
  private final int projOut;
  private final TransformerLayer[] layers;

  private NDArray stats; // (B, 2, G)
  private NDArray vIn; // (B, H, W, D), proj_in without ratios and bias
  private NDArray h; // (B, H, W, D), what proj_out takes
  private NDArray vOut; // (B, H, W, C)

  TransformerTokens(BlockWeights w, int groups, int heads) {
    this.w = w;
    this.norm = new GroupNorm(w.normWeight(0), w.normBias(0), groups, EPS, false);
    this.projOut = w.layers() - 1;
    this.layers = new TransformerLayer[(w.layers() - 2) / TransformerLayer.LAYERS];
    for (int j = 0; j < layers.length; j++) {
      layers[j] =
          new TransformerLayer(
              w, 1 + j * TransformerLayer.LAYERS, 1 + j * TransformerLayer.NORMS, heads);
    }
  }

  @Override
  public NDArray forward(Pass p, NDArray... in) {
    Shifted x = p.plain(in[0]);
    stats = p.kept().groupStats(x, norm);
    NDArray n = p.temp().groupNorm(x, stats, norm, p.d(w, PROJ_IN));
    vIn = p.linear(p.kept(), w, PROJ_IN, n);
    n.close();
    h = p.kept().affine(vIn, p.r(w, PROJ_IN), w.bias(PROJ_IN), null);
    for (TransformerLayer layer : layers) {
      h = layer.forward(p, h, in[1]);
    }
    NDArray s = p.temp().scale(h, p.d(w, projOut));
    vOut = p.linear(p.kept(), w, projOut, s);
    return p.out().affine(vOut, p.r(w, projOut), w.bias(projOut), in[0]);
  }

  @Override
  public NDArray[] backward(Pass p, NDArray g, NDArray... in) {
    NDArray to = p.gradients();
    NDArray gv = p.temp().scaleBackward(g, vOut, p.r(w, projOut), to, null);
    NDArray gs = p.linearBackward(p.temp(), w, projOut, gv);
    gv.close();
    NDArray gh = p.temp().scaleBackward(gs, h, p.d(w, projOut), to, null);
    gs.close();
    vOut.close(); // what is spent makes room for what comes
    h.close();
    for (int j = layers.length - 1; j >= 0; j--) {
      NDArray before = layers[j].backward(p, gh, in[1]);
      gh.close();
      gh = before;
    }
    NDArray gIn = p.temp().scaleBackward(gh, vIn, p.r(w, PROJ_IN), to, null);
    gh.close();
    NDArray gn = p.linearBackward(p.temp(), w, PROJ_IN, gIn);
    gIn.close();
    NDArray gx =
        p.out().groupNormBackward(gn, p.plain(in[0]), stats, norm, p.d(w, PROJ_IN), to, g).get(0);
    return new NDArray[] {gx, null};
  }
}
