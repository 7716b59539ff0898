package io.github.tuneqdm.image;

import java.util.Optional;

/** The kernels that Pillow resizes with; numbered as in preprocessor configs ({@code resample}). */
public enum Resampling {
  NEAREST(0, 0),
  LANCZOS(1, 3),
  BILINEAR(2, 1),
  BICUBIC(3, 2),
  BOX(4, 0.5);

  /** Keys' cubic with this slope at 1; other libraries take -0.75. */
  private static final double CUBIC_SLOPE = -0.5;

  private final int code;
  private final double support;

  Resampling(int code, double support) {
    this.code = code;
    this.support = support;
  }

  /** The kernel with Pillow's number, where we have it. */
  public static Optional<Resampling> ofCode(int code) {
    for (Resampling resampling : values()) {
      if (resampling.code == code) {
        return Optional.of(resampling);
      }
    }
    return Optional.empty();
  }

  public int code() {
    return code;
  }

  /** Half the kernel's width, in pixels of the coarser picture. */
  double support() {
    return support;
  }

  /**
   * The kernel's value at distance x. The order of operations is Pillow's: results depend on it.
   */
  double weight(double x) {
    return switch (this) {
      case NEAREST -> throw new IllegalStateException("nearest neighbour has no kernel");
      case BOX -> x > -0.5 && x <= 0.5 ? 1 : 0;
      case BILINEAR -> Math.max(0, 1 - Math.abs(x));
      case BICUBIC -> cubic(Math.abs(x));
      case LANCZOS -> x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
    };
  }

  private static double cubic(double x) {
    double a = CUBIC_SLOPE;
    if (x < 1) {
      return ((a + 2) * x - (a + 3)) * x * x + 1;
    }
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
  }

  private static double sinc(double x) {
    if (x == 0) {
      return 1;
    }
    double angle = x * Math.PI;
    return StrictMath.sin(angle) / angle;
  }
}
