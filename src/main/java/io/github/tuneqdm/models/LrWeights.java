package io.github.tuneqdm.models;

/**
 * Shares of the learning rate, by a layer's place in the UNet (kohya's {@code down_lr_weight},
 * {@code mid_lr_weight} and {@code up_lr_weight}). Layers outside these blocks have the whole rate.
 *
 * @param down of {@code down_blocks}
 * @param mid of {@code mid_block}
 * @param up of {@code up_blocks}
 */
public record LrWeights(double down, double mid, double up) {
  /** The same rate everywhere. */
  public static final LrWeights EQUAL = new LrWeights(1, 1, 1);

  /**
   * @param layer as diffusers' named_modules has it
   */
  float of(String layer) {
    String block = layer.substring(0, Math.max(0, layer.indexOf('.')));
    return (float)
        switch (block) {
          case "down_blocks" -> down;
          case "mid_block" -> mid;
          case "up_blocks" -> up;
          default -> 1;
        };
  }
}
