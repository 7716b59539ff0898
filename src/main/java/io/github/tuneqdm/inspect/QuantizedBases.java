package io.github.tuneqdm.inspect;

import io.github.tuneqdm.quant.QuantizedBase;
import io.github.tuneqdm.quant.QuantizedWeight;
import java.nio.file.Path;

/** A content-addressed quantised base; every file's hash and every layer is checked. */
final class QuantizedBases {
  private QuantizedBases() {}

  static Description describe(Path folder) {
    try (QuantizedBase base = QuantizedBase.open(folder)) {
      long weights = 0;
      long packed = 0;
      long outs = 0;
      long ins = 0;
      long convolutions = 0;
      for (String name : base.layerNames()) {
        QuantizedWeight layer = base.layer(name);
        weights += layer.codes().length;
        packed += layer.packed().bytes().length;
        outs += layer.outChannels();
        ins += layer.inChannels();
        convolutions += layer.shape().length == 4 ? 1 : 0;
      }
      int layers = base.layerNames().size();
      return new Description()
          .title("Quantised base " + base.id() + " in " + folder)
          .add("quantiser", base.settings().bits() + " bits, " + symmetry(base))
          .add(
              "layers",
              layers + " (" + convolutions + " Conv2d, " + (layers - convolutions) + " Linear)")
          .add("weights", Description.count(weights) + " in " + Description.bytes(packed))
          .add("float tensors", base.floats().names().size())
          .add(
              "scales/expert",
              "%s (%s delta_out + %s delta_in), %s in float32"
                  .formatted(
                      Description.count(outs + ins),
                      Description.count(outs),
                      Description.count(ins),
                      Description.bytes(4 * (outs + ins))))
          .add("source", "sha256 " + base.sourceSha256())
          .add("integrity", "all files match their hashes");
    }
  }

  private static String symmetry(QuantizedBase base) {
    return base.settings().symmetric() ? "symmetric" : "asymmetric";
  }
}
