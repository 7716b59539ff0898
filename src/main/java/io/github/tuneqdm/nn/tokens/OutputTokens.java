package io.github.tuneqdm.nn.tokens;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.TokenOps.GroupNorm;
import io.github.tuneqdm.tensor.TokenOps.Shifted;

/** GroupNorm, SiLU, 3x3 convolution: the UNet's last steps. Input: x (B, H, W, C). */
final class OutputTokens implements TokenBlock {
  private final BlockWeights w;
  private final GroupNorm norm;

  private NDArray stats; // (B, 2, G)
  private NDArray v; // (B, H, W, C_out), without ratios and bias

  OutputTokens(BlockWeights norm, BlockWeights conv, int groups, double eps) {
    this.w = conv;
    this.norm = new GroupNorm(norm.normWeight(0), norm.normBias(0), groups, eps, true);
  }

  @Override
  public NDArray forward(Pass p, NDArray... in) {
    Shifted x = p.plain(in[0]);
    stats = p.kept().groupStats(x, norm);
    NDArray h = p.temp().groupNorm(x, stats, norm, p.d(w, 0));
    v = p.conv(p.kept(), w, 0, h, 1, 1);
    return p.out().affine(v, p.r(w, 0), w.bias(0), null);
  }

  @Override
  public NDArray[] backward(Pass p, NDArray g, NDArray... in) {
    NDArray gv = p.temp().scaleBackward(g, v, p.r(w, 0), p.gradients(), null);
    NDArray gh = p.convBackward(p.temp(), w, 0, gv, in[0], 1, 1);
    return new NDArray[] {
      p.out()
          .groupNormBackward(gh, p.plain(in[0]), stats, norm, p.d(w, 0), p.gradients(), null)
          .get(0)
    };
  }
}
