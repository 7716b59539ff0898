package io.github.tuneqdm.models;

import java.util.Arrays;
import java.util.Map;

/**
 * Arithmetic of one sample's forward pass through a UNet or a VAE's decoder, told from the names
 * and shapes of its layers as diffusers gives them; a multiply-add counts twice.
 *
 * @param layers of Linear and Conv2d layers
 * @param attention of queries with keys, and of weights with values
 * @param outputs numbers that all layers put out
 */
public record Workload(double layers, double attention, double outputs) {
  private static final String WEIGHT = ".weight";

  /**
   * @param shapes of all tensors by name
   * @param levels resolutions, each half of the one before
   * @param side of the largest level, in its pixels
   * @param tokens of a prompt
   */
  public static Workload of(Map<String, long[]> shapes, int levels, int side, int tokens) {
    double layers = 0;
    double attention = 0;
    double outputs = 0;
    for (Map.Entry<String, long[]> tensor : shapes.entrySet()) {
      String name = tensor.getKey();
      long[] shape = tensor.getValue();
      boolean encodes = name.startsWith("encoder.") || name.startsWith("quant_conv.");
      if (shape.length < 2 || !name.endsWith(WEIGHT) || encodes) {
        continue;
      }
      double pixels = Math.pow(side >> level(name, levels), 2);
      boolean once = name.contains("time_emb") || name.startsWith("add_embedding");
      boolean ofText = name.contains(".attn2.to_k") || name.contains(".attn2.to_v");
      double positions = once ? 1 : ofText ? tokens : pixels;
      layers += 2 * positions * Arrays.stream(shape).reduce(1, (a, b) -> a * b);
      outputs += positions * shape[0];
      if (name.endsWith(".to_q" + WEIGHT)) {
        attention += 4 * pixels * (name.contains(".attn2.") ? tokens : pixels) * shape[0];
      }
    }
    return new Workload(layers, attention, outputs);
  }

  /** Which level's pixels a layer writes: {@code up_blocks.0} is the smallest. */
  private static int level(String name, int levels) {
    String[] parts = name.replace("decoder.", "").split("\\.");
    boolean resizes = name.contains("samplers.");
    return switch (parts[0]) {
      case "down_blocks" -> Integer.parseInt(parts[1]) + (resizes ? 1 : 0);
      case "up_blocks" -> levels - 1 - Integer.parseInt(parts[1]) - (resizes ? 1 : 0);
      case "mid_block", "post_quant_conv" -> levels - 1;
      case "conv_in" -> name.startsWith("decoder.") ? levels - 1 : 0;
      default -> 0;
    };
  }

  public double forward() {
    return layers + attention;
  }

  /**
   * Forward and backward pass to the scales: a layer's backward is one more product, since no
   * weight wants a gradient; attention's are four for its two.
   */
  public double training() {
    return 2 * layers + 3 * attention;
  }
}
