package io.github.tuneqdm.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

/**
 * The numbers of {@code torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))}, so
 * that a seed means the same start latent as in PyTorch programs.
 *
 * <p>Made here rather than by the engine, whose generator is one for the whole JVM: any other draw
 * in between, or a second thread, would change what a seed means. Equal bit for bit to PyTorch on
 * x86-64 with AVX2, whose float32 Box-Muller uses polynomial approximations in fused arithmetic.
 */
public final class TorchNoise {
  /** From this size on PyTorch fills 16 numbers at a time. */
  private static final int VECTOR = 16;

  private static final int LANES = VECTOR / 2;
  private static final float TWO_PI = (float) (2 * Math.PI);

  private static final float[] LOG_POLYNOMIAL = {
    7.0376836292E-2f,
    -1.1514610310E-1f,
    1.1676998740E-1f,
    -1.2420140846E-1f,
    1.4249322787E-1f,
    -1.6668057665E-1f,
    2.0000714765E-1f,
    -2.4999993993E-1f,
    3.3333331174E-1f
  };
  private static final float SQRT_HALF = 0.707106781186547524f;

  /** ln 2 = LN_2_HIGH + LN_2_LOW, the high part exact in few bits. */
  private static final float LN_2_HIGH = 0.693359375f;

  private static final float LN_2_LOW = -2.12194440e-4f;

  private static final float FOUR_OVER_PI = 1.27323954473516f;

  /** pi/4 in three parts. */
  private static final float[] QUARTER_PI = {
    0.78515625f, 2.4187564849853515625e-4f, 3.77489497744594108e-8f
  };

  private TorchNoise() {}

  /**
   * The start latent of a seed, standard normal, float32.
   *
   * @param manager owns the result and says where it lies
   */
  public static NDArray startLatent(NDManager manager, long seed, Shape shape) {
    return manager.create(normals(seed, Math.toIntExact(shape.size())), shape);
  }

  /** {@code count} numbers of a fresh generator, in row-major order of the tensor they fill. */
  public static float[] normals(long seed, int count) {
    MersenneTwister generator = new MersenneTwister((int) seed);
    float[] values = new float[count];
    if (count < VECTOR) {
      fillOneByOne(values, generator);
      return values;
    }
    for (int i = 0; i < count; i++) {
      values[i] = uniform(generator);
    }
    for (int i = 0; i + VECTOR <= count; i += VECTOR) {
      transform(values, i);
    }
    if (count % VECTOR != 0) {
      // The last 16 are drawn anew, over what the loop has already made of some of them
      int start = count - VECTOR;
      for (int i = start; i < count; i++) {
        values[i] = uniform(generator);
      }
      transform(values, start);
    }
    return values;
  }

  private static float uniform(MersenneTwister generator) {
    return (generator.next() & 0xFFFFFF) * 0x1p-24f;
  }

  /** Small tensors: double precision, the second number of each pair kept for the next place. */
  private static void fillOneByOne(float[] values, MersenneTwister generator) {
    for (int i = 0; i < values.length; i += 2) {
      double angle = 2 * Math.PI * wideUniform(generator);
      double radius = Math.sqrt(-2 * StrictMath.log1p(-wideUniform(generator)));
      values[i] = (float) (radius * StrictMath.cos(angle));
      if (i + 1 < values.length) {
        values[i + 1] = (float) (radius * StrictMath.sin(angle));
      }
    }
  }

  private static double wideUniform(MersenneTwister generator) {
    long high = generator.next();
    long low = generator.next() & 0xFFFFFFFFL;
    return ((high << 32 | low) & ((1L << 53) - 1)) * 0x1p-53;
  }

  /** Box-Muller on 16 uniforms: the first eight give radii, the last eight angles. */
  private static void transform(float[] values, int start) {
    for (int lane = start; lane < start + LANES; lane++) {
      float radius = (float) Math.sqrt(-2 * log(1 - values[lane]));
      float angle = TWO_PI * values[lane + LANES];
      int octant = ((int) (angle * FOUR_OVER_PI) + 1) & ~1;
      float reduced = angle;
      for (float part : QUARTER_PI) {
        reduced = Math.fma((float) octant, -part, reduced);
      }
      boolean swapped = (octant & 2) != 0;
      float sine = swapped ? cosine(reduced) : sine(reduced);
      float cosine = swapped ? sine(reduced) : cosine(reduced);
      values[lane] = radius * ((octant + 2 & 4) != 0 ? -cosine : cosine);
      values[lane + LANES] = radius * ((octant & 4) != 0 ? -sine : sine);
    }
  }

  /** ln x for x in (0, 1], the single-precision polynomial of the Cephes library. */
  private static float log(float x) {
    int exponent = Math.getExponent(x) + 1;
    float mantissa = Math.scalb(x, -exponent); // [0.5, 1)
    float y = mantissa - 1;
    if (mantissa < SQRT_HALF) {
      exponent--;
      y += mantissa;
    }
    float square = y * y;
    float series = LOG_POLYNOMIAL[0];
    for (int i = 1; i < LOG_POLYNOMIAL.length; i++) {
      series = Math.fma(series, y, LOG_POLYNOMIAL[i]);
    }
    series = Math.fma(series * y, square, exponent * LN_2_LOW);
    series = Math.fma(square, -0.5f, series);
    return Math.fma((float) exponent, LN_2_HIGH, y + series);
  }

  /** cos x for |x| up to pi/4. */
  private static float cosine(float x) {
    float square = x * x;
    float series = Math.fma(2.443315711809948E-005f, square, -1.388731625493765E-003f);
    series = Math.fma(series, square, 4.166664568298827E-002f);
    return Math.fma(series * square, square, square * -0.5f) + 1;
  }

  /** sin x for |x| up to pi/4. */
  private static float sine(float x) {
    float square = x * x;
    float series = Math.fma(-1.9515295891E-4f, square, 8.3321608736E-3f);
    series = Math.fma(series, square, -1.6666654611E-1f);
    return Math.fma(series * square, x, x);
  }
}
