package io.github.tuneqdm.quant;

import java.util.Locale;

/** The two kinds of layers whose weights are quantised. */
public enum LayerKind {
  /** Weight (O, I). */
  LINEAR,
  /** Weight (O, I / groups, kH, kW). */
  CONV2D;

  static LayerKind ofRank(int rank) {
    return switch (rank) {
      case 2 -> LINEAR;
      case 4 -> CONV2D;
      default -> throw new IllegalArgumentException("No layer has a weight of rank " + rank);
    };
  }

  /** The name in files: {@code linear} or {@code conv2d}. */
  public String fileName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
