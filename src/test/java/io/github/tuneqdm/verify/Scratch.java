package io.github.tuneqdm.verify;
import io.github.tuneqdm.tensor.Compute;
import java.nio.file.Path;
class Scratch {
  public static void main(String[] a) {
    Path p = Path.of("src/test/goldens");
    try (Compute c = Compute.cpu(2)) {
      NetworkChecks n = new NetworkChecks(c, new GoldenModels(c, p));
      for (String f : new String[]{"unet_sd1","unet_sd2","unet_sdxl","unet_ddpm"}) run(p, f, n::unet);
      run(p,"vae",n::vae); run(p,"vae_legacy",n::vae); run(p,"clip_text",n::clipText); run(p,"clip",n::clip); run(p,"dino_vit",n::dino); run(p,"dinov2",n::dinov2);
    }
  }
  static void run(Path p, String f, java.util.function.Consumer<GoldenFile> c) {
    long t=System.nanoTime();
    try (GoldenFile g = GoldenFile.open(p, f + ".safetensors")) { c.accept(g); System.out.println(g.row().render()+" "+(System.nanoTime()-t)/1000000+" ms"); }
    catch (Exception e) { System.out.println("EXC " + f); e.printStackTrace(System.out); }
  }
}
