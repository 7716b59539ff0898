package io.github.tuneqdm.tuning;

import ai.djl.ndarray.*;
import ai.djl.ndarray.types.*;
import io.github.tuneqdm.models.*;
import io.github.tuneqdm.quant.*;
import io.github.tuneqdm.storage.*;
import io.github.tuneqdm.tensor.*;
import java.nio.file.*;
import java.util.*;

class ScratchBench {
  public static void main(String[] a) throws Exception {
    Path toy = Path.of("src/demo/toyworld");
    try (Compute c = Compute.cpu(2)) {
      PipelineFolder base = new PipelineFolder(toy.resolve("base"));
      Map<String, QuantizedWeight> layers = new HashMap<>();
      try (TensorSource w = ModelWeights.open(base.unet())) {
        for (String n : w.names())
          if (n.endsWith(".weight") && w.shape(n).length >= 2) {
            String l = n.substring(0, n.length() - 7);
            layers.put(
                l,
                WeightQuantizer.quantize(
                    l, w.tensor(n).toFloats(), w.shape(n), new QuantizerSettings(4, false)));
          }
      }
      TunableUNet net;
      UNet plain;
      try (TensorSource w = ModelWeights.open(base.unet())) {
        net = TunableUNet.open(c, base.unetConfig(), layers.keySet(), layers::get, w);
      }
      plain = Models.unet(c, base.unet());
      NDManager m = c.manager();
      for (int n : new int[] {256, 1024}) {
        NDArray x = m.randomNormal(new Shape(n, n));
        for (int i = 0; i < 3; i++) x.matMul(x).close();
        long t = System.nanoTime();
        int k = n == 256 ? 200 : 10;
        for (int i = 0; i < k; i++) x.matMul(x).close();
        System.out.printf(
            "matmul %d: %.1f GFLOP/s%n", n, 2.0 * n * n * n * k / (System.nanoTime() - t));
      }
      for (int[] cfg : new int[][] {{4, 1}, {4, 4}}) {
        int S = cfg[0], per = cfg[1], B = S * per;
        float[] start = new float[0];
        float[] init = DeltaScales.initial(net, 4).rows();
        float[] all = new float[S * init.length];
        for (int s = 0; s < S; s++) System.arraycopy(init, 0, all, s * init.length, init.length);
        SubjectBatch sb = new SubjectBatch(c, net, S, 4, all, AdamWSettings.REFERENCE, true);
        NDArray x = m.randomNormal(new Shape(B, 4, 16, 16)),
            y = m.randomNormal(new Shape(B, 4, 16, 16)),
            ctx = m.randomNormal(new Shape(B, 24, 96)),
            wt = m.ones(new Shape(B));
        long[] ts = new long[B];
        int[] rows = new int[B];
        Random r = new Random(1);
        for (int b = 0; b < B; b++) {
          ts[b] = r.nextInt(1000);
          rows[b] = (b / per) * 4 + (int) (ts[b] / 250);
        }
        double bestF = 1e9, bestS = 1e9, bestP = 1e9;
        List<Double> all2 = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
          try (NDManager sc = c.scope()) {
            NDArray xi = x.duplicate();
            xi.attach(sc);
            long t = System.nanoTime();
            sb.predict(new UNet.Input(xi, sc.create(ts), ctx), rows).close();
            bestF = Math.min(bestF, (System.nanoTime() - t) / 1e6);
          }
          try (NDManager sc = c.scope()) {
            NDArray xi = x.duplicate();
            xi.attach(sc);
            long t = System.nanoTime();
            Compute.withGradients(
                false, () -> plain.forward(new UNet.Input(xi, sc.create(ts), ctx), ScaleRows.NONE));
            bestP = Math.min(bestP, (System.nanoTime() - t) / 1e6);
          }
          try (NDManager sc = c.scope()) {
            NDArray xi = x.duplicate();
            xi.attach(sc);
            long t = System.nanoTime();
            sb.accumulate(new UNet.Input(xi, sc.create(ts), ctx), y, wt, rows);
            sb.update(sc, 1e-4, 1);
            double d = (System.nanoTime() - t) / 1e6;
            bestS = Math.min(bestS, d);
            all2.add(d);
          }
        }
        Collections.sort(all2);
        System.out.printf(
            "S=%d per=%d: plain forward %.1f, scaled forward %.1f, step min %.1f median %.1f ms%n",
            S, per, bestP, bestF, bestS, all2.get(6));
      }
    }
  }
}
