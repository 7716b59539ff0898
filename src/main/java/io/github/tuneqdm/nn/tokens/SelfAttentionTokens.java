package io.github.tuneqdm.nn.tokens;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.TokenOps.GroupNorm;
import io.github.tuneqdm.tensor.TokenOps.Shifted;
import java.util.List;

/** diffusers' Attention over pixels with residual: layers q, k, v, out; norm group_norm. */
final class SelfAttentionTokens implements TokenBlock {
  private final BlockWeights w;
  private final GroupNorm norm;
  private final AttentionLayers attention;

  private NDArray stats; // (B, 2, G)
  private NDArray n; // (B, H, W, C), the normalised input

  SelfAttentionTokens(BlockWeights w, int groups, int heads, double eps) {
    this.w = w;
    this.norm = new GroupNorm(w.normWeight(0), w.normBias(0), groups, eps, false);
    this.attention = new AttentionLayers(w, 0, heads);
  }

  @Override
  public NDArray forward(Pass p, NDArray... in) {
    Shifted x = p.plain(in[0]);
    stats = p.kept().groupStats(x, norm);
    n = p.kept().groupNorm(x, stats, norm, x.r());
    return attention.forward(
        p,
        p.temp().scale(n, p.d(w, 0)),
        p.temp().scale(n, p.d(w, 1)),
        p.temp().scale(n, p.d(w, 2)),
        in[0],
        p.out());
  }

  @Override
  public NDArray[] backward(Pass p, NDArray g, NDArray... in) {
    List<NDArray> parts = attention.backward(p, g);
    NDArray gn = null;
    for (int i = 0; i < parts.size(); i++) {
      gn = p.temp().scaleBackward(parts.get(i), n, p.d(w, i), p.gradients(), gn);
    }
    Shifted x = p.plain(in[0]);
    return new NDArray[] {
      p.out().groupNormBackward(gn, x, stats, norm, x.r(), p.gradients(), g).get(0)
    };
  }
}
