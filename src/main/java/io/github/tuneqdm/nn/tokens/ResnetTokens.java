package io.github.tuneqdm.nn.tokens;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.Columns;
import io.github.tuneqdm.tensor.TokenOps.GroupNorm;
import io.github.tuneqdm.tensor.TokenOps.Shifted;
import java.util.List;

/**
 * ResnetBlock2D: layers conv1, time_emb_proj, conv2, [conv_shortcut]; norms norm1, norm2. Inputs: x
 * (B, H, W, C) and SiLU of the time embedding (B, 1, D).
 */
final class ResnetTokens implements TokenBlock {
  private static final int CONV1 = 0;
  private static final int TIME = 1;
  private static final int CONV2 = 2;
  private static final int SHORTCUT = 3;

  private final BlockWeights w;
  private final GroupNorm norm1;
  private final GroupNorm norm2;

  private NDArray stats1; // (B, 2, G)
  private NDArray v1; // (B, H, W, C_out), conv1 without ratios and bias
  private NDArray vt; // (B, 1, C_out)
  private NDArray shift; // (B, C_out)
  private NDArray stats2; // (B, 2, G)
  private NDArray v2; // (B, H, W, C_out)
  private NDArray vs; // (B, H, W, C_out)

  ResnetTokens(BlockWeights w, int groups, double eps) {
    this.w = w;
    this.norm1 = new GroupNorm(w.normWeight(0), w.normBias(0), groups, eps, true);
    this.norm2 = new GroupNorm(w.normWeight(1), w.normBias(1), groups, eps, true);
  }

  private boolean hasShortcut() {
    return w.layers() > SHORTCUT;
  }

  @Override
  public NDArray forward(Pass p, NDArray... in) {
    Shifted x = p.plain(in[0]);

    stats1 = p.kept().groupStats(x, norm1);
    NDArray h1 = p.temp().groupNorm(x, stats1, norm1, p.d(w, CONV1)); // (B, H, W, C)
    v1 = p.conv(p.kept(), w, CONV1, h1, 1, 1);
    h1.close();

    NDArray st = p.temp().scale(in[1], p.d(w, TIME));
    vt = p.linear(p.kept(), w, TIME, st);
    NDArray t = p.temp().affine(vt, p.r(w, TIME), w.bias(TIME), null);
    shift = p.kept().shift(w.bias(CONV1), t);

    Shifted u = shifted(p);
    stats2 = p.kept().groupStats(u, norm2);
    NDArray h2 = p.temp().groupNorm(u, stats2, norm2, p.d(w, CONV2));
    v2 = p.conv(p.kept(), w, CONV2, h2, 1, 1);
    h2.close();

    NDArray residual = x.x();
    if (hasShortcut()) {
      NDArray xs = p.temp().scale(x.x(), p.d(w, SHORTCUT));
      vs = p.linear(p.kept(), w, SHORTCUT, xs);
      xs.close();
      residual = p.temp().affine(vs, p.r(w, SHORTCUT), w.bias(SHORTCUT), null);
    }
    return p.out().affine(v2, p.r(w, CONV2), w.bias(CONV2), residual);
  }

  private Shifted shifted(Pass p) {
    return new Shifted(v1, p.r(w, CONV1), shift);
  }

  @Override
  public NDArray[] backward(Pass p, NDArray g, NDArray... in) {
    Shifted x = p.plain(in[0]);
    NDArray to = p.gradients();

    NDArray gv2 = p.temp().scaleBackward(g, v2, p.r(w, CONV2), to, null);
    NDArray gh2 = p.convBackward(p.temp(), w, CONV2, gv2, v1, 1, 1);
    gv2.close();
    List<NDArray> g1 =
        p.temp()
            .groupNormBackward(
                gh2, shifted(p), stats2, norm2, p.d(w, CONV2), to, null); // gv1, gshift
    gh2.close();

    NDArray gt = p.temp().like(g1.get(1), in[1], in[1].getShape().get(0), 1, -1); // (B, 1, C_out)
    NDArray gvt = p.temp().scaleBackward(gt, vt, p.r(w, TIME), to, null);
    NDArray gst = p.linearBackward(p.temp(), w, TIME, gvt);
    NDArray gtime = p.out().scaleBackward(gst, in[1], p.d(w, TIME), to, null);

    NDArray gh1 = p.convBackward(p.temp(), w, CONV1, g1.get(0), in[0], 1, 1);
    g1.get(0).close();
    NDArray through = g;
    if (hasShortcut()) {
      Columns r = p.r(w, SHORTCUT);
      NDArray gvs = p.temp().scaleBackward(g, vs, r, to, null);
      NDArray gxs = p.linearBackward(p.temp(), w, SHORTCUT, gvs);
      gvs.close();
      through = p.temp().scaleBackward(gxs, x.x(), p.d(w, SHORTCUT), to, null);
      gxs.close();
    }
    NDArray gx =
        p.out().groupNormBackward(gh1, x, stats1, norm1, p.d(w, CONV1), to, through).get(0);
    return new NDArray[] {gx, gtime};
  }
}
