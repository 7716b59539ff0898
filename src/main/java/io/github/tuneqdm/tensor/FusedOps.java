package io.github.tuneqdm.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.tensor.cuda.CudaDevice;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * {@link TokenOps} with one kernel of {@code fused.cu} for each element-wise step. Tensors whose
 * channels are no multiple of 8 (the UNet's ends) take the slow way.
 */
final class FusedOps extends TokenOps {
  private static final int VECTOR = 8;
  private static final int THREADS = 256;
  private static final int LARGEST_LANES = 64;
  private static final int ROWS_A_THREAD = 12;
  private static final int LINES_A_BLOCK = 8;

  /** The kernels of one GPU in one precision. */
  static final class Kernels {
    private final CudaDevice device;
    private final CudaDevice.Module module;
    private final Map<String, CudaDevice.Kernel> byName = new HashMap<>();

    Kernels(CudaDevice device, Precision precision) {
      this.device = device;
      String storage = "-DSTORAGE=" + precision.storage();
      this.module = device.compile(TorchScriptModule.source("fused.cu"), List.of(storage));
    }

    void launch(String name, int[] grid, int[] block, int shared, Object... parameters) {
      CudaDevice.Kernel kernel = byName.computeIfAbsent(name, module::kernel);
      OpTimes.measure(
          name,
          () -> {
            device.launch(kernel, grid, block, shared, parameters);
            return null;
          });
    }
  }

  private final Kernels kernels;

  FusedOps(TorchScriptModule module, Precision precision, NDManager owner, Kernels kernels) {
    super(module, precision, owner);
    this.kernels = kernels;
  }

  @Override
  public TokenOps in(NDManager manager) {
    return new FusedOps(module(), precision(), manager, kernels);
  }

  /** How a tensor is cut into thread blocks that sum over L. */
  private record Tiling(int b, int l, int c, int lanes, int threadRows, int rows, int tiles) {
    static Tiling of(NDArray x, int c) {
      long[] shape = x.getShape().getShape();
      int b = (int) shape[0];
      int l = (int) (x.size() / shape[0] / shape[shape.length - 1]);
      int vectors = c / VECTOR;
      int lanes = Math.min(vectors, LARGEST_LANES);
      while (vectors % lanes != 0) {
        lanes--;
      }
      int threadRows = Math.max(1, Math.min(l, THREADS / lanes));
      int rows = threadRows * ROWS_A_THREAD;
      return new Tiling(b, l, c, lanes, threadRows, rows, (l + rows - 1) / rows);
    }

    int[] grid() {
      return new int[] {c / VECTOR / lanes, tiles, b};
    }

    int[] block() {
      return new int[] {lanes, threadRows};
    }

    int shared() {
      return lanes * threadRows * VECTOR * Float.BYTES;
    }
  }

  private static boolean fits(NDArray x) {
    Shape shape = x.getShape();
    return shape.get(shape.dimension() - 1) % VECTOR == 0;
  }

  private static int channels(NDArray x) {
    Shape shape = x.getShape();
    return (int) shape.get(shape.dimension() - 1);
  }

  private static int stride(NDArray rows) {
    return rows.getShape().dimension() == 2 ? (int) rows.getShape().get(1) : 0;
  }

  private Long columns(NDArray rows, int from) {
    return from < 0 ? null : kernels.device.address(rows) + (long) from * Float.BYTES;
  }

  private Long columns(Columns s) {
    return columns(s.rows(), s.from());
  }

  private NDArray floats(NDManager manager, long... shape) {
    return manager.create(new Shape(shape), DataType.FLOAT32);
  }

  private NDArray partials(Tiling t, int quantities) {
    return floats(owner(), t.b, t.tiles, quantities, t.c);
  }

  private static Object orNull(NDArray x) {
    return x == null || x.size() == 0 ? null : x;
  }

  /** Sums a tile's quantities from q0 on; each goes to an address with a stride, or nowhere. */
  private void finish(NDArray part, Tiling t, int quantities, int q0, Long[] to, int[] strides) {
    Object[] p = new Object[11];
    p[0] = part;
    p[1] = t.tiles;
    p[2] = quantities;
    p[3] = t.c;
    p[4] = q0;
    for (int i = 0; i < 3; i++) {
      p[5 + 2 * i] = i < to.length ? to[i] : null;
      p[6 + 2 * i] = i < to.length ? strides[i] : 0;
    }
    int[] grid = {(t.c + THREADS - 1) / THREADS, t.b, to.length};
    kernels.launch("finish_columns", grid, new int[] {THREADS, 1}, 0, p);
  }

  private void line(String kernel, int count, Object... parameters) {
    int blocks = Math.max(1, (count + THREADS - 1) / THREADS);
    kernels.launch(kernel, new int[] {blocks, 1, 1}, new int[] {THREADS, 1}, 0, parameters);
  }

  @Override
  public NDArray scale(NDArray x, Columns d) {
    return fits(x) ? multiplied(x, d, null, null) : super.scale(x, d);
  }

  @Override
  public NDArray affine(NDArray v, Columns r, NDArray bias, NDArray add) {
    return fits(v) ? multiplied(v, r, bias, add) : super.affine(v, r, bias, add);
  }

  private NDArray multiplied(NDArray x, Columns s, NDArray bias, NDArray add) {
    NDArray y = emptyLike(x, channels(x));
    int c = channels(x);
    int count = (int) (x.size() / VECTOR);
    int l = (int) (x.size() / c / x.getShape().get(0));
    line("affine", count, x, columns(s), stride(s.rows()), orNull(bias), add, y, l, c, count);
    return y;
  }

  @Override
  public NDArray scaleBackward(NDArray g, NDArray x, Columns d, NDArray to, NDArray add) {
    if (!fits(x)) {
      return super.scaleBackward(g, x, d, to, add);
    }
    Tiling t = Tiling.of(x, channels(x));
    NDArray y = emptyLike(x, t.c);
    try (NDArray part = partials(t, 1)) {
      kernels.launch(
          "scale_backward",
          t.grid(),
          t.block(),
          t.shared(),
          g,
          x,
          columns(d),
          stride(d.rows()),
          add,
          y,
          part,
          t.l,
          t.c,
          t.rows);
      if (d.present()) {
        finish(part, t, 1, 0, new Long[] {columns(to, d.from())}, new int[] {stride(to)});
      }
    }
    return y;
  }

  @Override
  public NDArray groupStats(Shifted in, GroupNorm norm) {
    Tiling t = Tiling.of(in.x(), channels(in.x()));
    NDArray stats = floats(owner(), t.b, 2, norm.groups());
    try (NDArray part = partials(t, 2)) {
      kernels.launch(
          "group_sums",
          t.grid(),
          t.block(),
          t.shared(),
          in.x(),
          columns(in.r()),
          stride(in.r().rows()),
          in.shift(),
          part,
          t.l,
          t.c,
          t.rows);
      kernels.launch(
          "finish_group_stats",
          new int[] {norm.groups(), t.b, 1},
          new int[] {THREADS, 1},
          0,
          part,
          t.tiles,
          t.l,
          t.c,
          norm.groups(),
          (float) norm.eps(),
          stats);
    }
    return stats;
  }

  @Override
  public NDArray groupNorm(Shifted in, NDArray stats, GroupNorm norm, Columns d) {
    Tiling t = Tiling.of(in.x(), channels(in.x()));
    NDArray y = emptyLike(in.x(), t.c);
    kernels.launch(
        "group_norm",
        t.grid(),
        t.block(),
        t.shared(),
        in.x(),
        columns(in.r()),
        stride(d.rows()),
        in.shift(),
        stats,
        norm.weight(),
        norm.bias(),
        norm.silu() ? 1 : 0,
        columns(d),
        y,
        t.l,
        t.c,
        norm.groups(),
        t.rows);
    return y;
  }

  @Override
  public List<NDArray> groupNormBackward(
      NDArray g, Shifted in, NDArray stats, GroupNorm norm, Columns d, NDArray to, NDArray add) {
    Tiling t = Tiling.of(in.x(), channels(in.x()));
    NDArray y = emptyLike(in.x(), t.c);
    NDArray shift = floats(owner(), t.b, t.c);
    int stride = stride(d.rows());
    int silu = norm.silu() ? 1 : 0;
    boolean sums = in.shift() != null;
    try (NDArray part = partials(t, 3);
        NDArray means = floats(owner(), t.b, 2, norm.groups())) {
      kernels.launch(
          "group_norm_backward_sums",
          t.grid(),
          t.block(),
          t.shared(),
          g,
          in.x(),
          columns(in.r()),
          stride,
          in.shift(),
          stats,
          norm.weight(),
          norm.bias(),
          silu,
          columns(d),
          part,
          t.l,
          t.c,
          norm.groups(),
          t.rows);
      kernels.launch(
          "finish_group_gradients",
          new int[] {norm.groups(), t.b, 1},
          new int[] {THREADS, 1},
          0,
          part,
          t.tiles,
          t.l,
          t.c,
          norm.groups(),
          norm.weight(),
          means);
      if (d.present()) {
        finish(part, t, 3, 2, new Long[] {columns(to, d.from())}, new int[] {stride(to)});
      }
      kernels.launch(
          "group_norm_backward",
          t.grid(),
          t.block(),
          t.shared(),
          g,
          in.x(),
          columns(in.r()),
          stride,
          in.shift(),
          stats,
          means,
          norm.weight(),
          norm.bias(),
          silu,
          columns(d),
          add,
          y,
          sums ? part : null,
          t.l,
          t.c,
          norm.groups(),
          t.rows);
      if (sums) {
        Long[] both = {columns(to, in.r().from()), kernels.device.address(shift)};
        finish(part, t, 2, 0, both, new int[] {stride(to), t.c});
      }
    }
    return new ArrayList<>(List.of(y, shift));
  }

  @Override
  public List<NDArray> layerNorm(
      NDArray x, NDArray weight, NDArray bias, double eps, NDArray scales, int... d) {
    int c = channels(x);
    int lines = (int) (x.size() / c);
    int l = (int) (lines / x.getShape().get(0));
    List<NDArray> out = new ArrayList<>();
    out.add(floats(owner(), lines / l, l, 2));
    for (int i = 0; i < d.length; i++) {
      out.add(emptyLike(x, c));
    }
    kernels.launch(
        "layer_norm",
        new int[] {(lines + LINES_A_BLOCK - 1) / LINES_A_BLOCK, 1, 1},
        new int[] {32 * LINES_A_BLOCK, 1},
        0,
        x,
        weight,
        bias,
        (float) eps,
        columns(scales, d[0]),
        d.length > 1 ? columns(scales, d[1]) : null,
        d.length > 2 ? columns(scales, d[2]) : null,
        stride(scales),
        out.get(0),
        out.get(1),
        d.length > 1 ? out.get(2) : null,
        d.length > 2 ? out.get(3) : null,
        l,
        c,
        lines);
    return out;
  }

  @Override
  public NDArray layerNormBackward(
      List<NDArray> g,
      NDArray x,
      NDArray stats,
      NDArray weight,
      NDArray bias,
      NDArray scales,
      int[] d,
      NDArray to,
      NDArray add) {
    Tiling t = Tiling.of(x, channels(x));
    int n = d.length;
    int lines = t.b * t.l;
    NDArray y = emptyLike(x, t.c);
    NDArray g1 = n > 1 ? g.get(1) : null;
    NDArray g2 = n > 2 ? g.get(2) : null;
    kernels.launch(
        "layer_norm_backward",
        new int[] {(lines + LINES_A_BLOCK - 1) / LINES_A_BLOCK, 1, 1},
        new int[] {32 * LINES_A_BLOCK, 1},
        0,
        g.get(0),
        g1,
        g2,
        x,
        stats,
        weight,
        columns(scales, d[0]),
        n > 1 ? columns(scales, d[1]) : null,
        n > 2 ? columns(scales, d[2]) : null,
        stride(scales),
        add,
        y,
        t.l,
        t.c,
        lines);
    if (d[0] >= 0) {
      try (NDArray part = partials(t, n)) {
        kernels.launch(
            "layer_norm_backward_sums",
            t.grid(),
            t.block(),
            t.shared(),
            g.get(0),
            g1,
            g2,
            n,
            x,
            stats,
            weight,
            bias,
            part,
            t.l,
            t.c,
            t.rows);
        Long[] all = new Long[n];
        int[] strides = new int[n];
        for (int i = 0; i < n; i++) {
          all[i] = columns(to, d[i]);
          strides[i] = stride(to);
        }
        finish(part, t, n, 0, all, strides);
      }
    }
    return y;
  }

  @Override
  public NDArray geglu(NDArray v, Columns r, NDArray bias, Columns d) {
    int f = channels(v) / 2;
    NDArray y = emptyLike(v, f);
    int count = (int) (y.size() / VECTOR);
    int l = (int) (y.size() / f / v.getShape().get(0));
    line("geglu", count, v, columns(r), stride(r.rows()), bias, columns(d), y, l, f, count);
    return y;
  }

  @Override
  public NDArray gegluBackward(
      NDArray g, NDArray v, Columns r, NDArray bias, Columns d, NDArray to) {
    int f = channels(v) / 2;
    Tiling t = Tiling.of(g, f);
    try (NDArray part = partials(t, 3)) {
      kernels.launch(
          "geglu_backward",
          t.grid(),
          t.block(),
          t.shared(),
          g,
          v,
          columns(r),
          stride(r.rows()),
          bias,
          columns(d),
          v,
          part,
          t.l,
          f,
          t.rows);
      if (r.present()) {
        Long[] all = {columns(to, r.from()), columns(to, r.from() + f), columns(to, d.from())};
        int p = stride(to);
        finish(part, t, 3, 0, all, new int[] {p, p, p});
      }
    }
    return v;
  }

  @Override
  public NDArray unpack(FrozenWeight.Packed w) {
    long count = new Shape(w.shape()).size();
    int each = (int) (count / w.shape()[0]);
    if (each % VECTOR != 0) {
      return super.unpack(w);
    }
    NDArray out = tensor("unset", w.codes(), w.stored(), precision().torchType());
    int vectors = (int) (count / VECTOR);
    line("unpack", vectors, w.codes(), w.bits(), w.scale(), w.zeroPoint(), out, each, vectors);
    return w.ofConvolution() ? channelsFirst(out) : out;
  }
}
