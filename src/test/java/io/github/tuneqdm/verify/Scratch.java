package io.github.tuneqdm.verify;

import io.github.tuneqdm.tensor.Compute;
import java.nio.file.Path;

class Scratch {
  public static void main(String[] a) {
    Path p = Path.of("src/test/goldens");
    try (Compute c = Compute.cpu(2)) {
      NetworkChecks n = new NetworkChecks(c, new GoldenModels(c, p));
      TuningChecks t = new TuningChecks(c, p);
      for (String f : new String[] {"n2_asym", "n2_sym", "n4_asym", "n4_sym", "n8_asym", "n8_sym"})
        run(p, "tuneqdm/sd1_" + f, t::settings);
      for (String f : new String[] {"sd2", "sdxl", "ddpm"})
        run(p, "unet_" + f + "_tq4", g -> t.fourBits(g, f));
      run(p, "train_trace", t::trace);
    }
  }

  static void run(Path p, String f, java.util.function.Consumer<GoldenFile> c) {
    long t = System.nanoTime();
    try (GoldenFile g = GoldenFile.open(p, f + ".safetensors")) {
      c.accept(g);
      System.out.println(g.row().render() + " " + (System.nanoTime() - t) / 1000000 + " ms");
    } catch (Exception e) {
      System.out.println("EXC " + f);
      e.printStackTrace(System.out);
    }
  }
}
