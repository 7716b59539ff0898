package io.github.tuneqdm.tensor;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Randomness as a pure function: Philox4x32-10 (Salmon et al. 2011), keyed by a seed, the name of a
 * stream and a step. The same key gives the same numbers on every machine, in any order and any
 * thread, whatever else is drawn: batches, retries and devices do not enter.
 *
 * <p>A stream holds 2^64 blocks of four 32-bit words. {@link #draws} reads it from the start or
 * from any block; the key itself is immutable and may be shared, a {@link Draws} may not.
 */
public final class PhiloxRandom {
  private static final int ROUNDS = 10;
  private static final long MULTIPLIER_0 = 0xD2511F53L;
  private static final long MULTIPLIER_1 = 0xCD9E8D57L;
  private static final int WEYL_0 = 0x9E3779B9;
  private static final int WEYL_1 = 0xBB67AE85;
  private static final long WORD = 0xFFFFFFFFL;

  private final int key0;
  private final int key1;
  private final long step;

  private PhiloxRandom(long key, long step) {
    this.key0 = (int) key;
    this.key1 = (int) (key >>> 32);
    this.step = step;
  }

  /**
   * The stream of {@code (seed, name, step)}; seed and name are hashed to Philox's 64-bit key with
   * SHA-256, the step is the upper half of its counter.
   *
   * @param name what the numbers are for and whom, such as {@code "noise/dog"}
   */
  public static PhiloxRandom of(long seed, String name, long step) {
    byte[] text = name.getBytes(StandardCharsets.UTF_8);
    ByteBuffer message = ByteBuffer.allocate(Long.BYTES + text.length).putLong(seed).put(text);
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(message.array());
      return new PhiloxRandom(ByteBuffer.wrap(hash).getLong(), step);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** The same seed and name at another step. */
  public PhiloxRandom atStep(long step) {
    return new PhiloxRandom((key0 & WORD) | (long) key1 << 32, step);
  }

  /** Reads the stream from its start. */
  public Draws draws() {
    return draws(0);
  }

  /** Reads the stream from a block on. */
  public Draws draws(long block) {
    return new Draws(this, block);
  }

  /** Standard normal numbers from the start of the stream: a prefix of any longer request. */
  public float[] normals(int count) {
    float[] values = new float[count];
    draws().fillNormals(values);
    return values;
  }

  /** The four words of block {@code index}. */
  int[] block(long index) {
    return philox((int) index, (int) (index >>> 32), (int) step, (int) (step >>> 32), key0, key1);
  }

  /** Philox4x32-10 of a counter of four words and a key of two. */
  static int[] philox(int c0, int c1, int c2, int c3, int key0, int key1) {
    for (int round = 0; round < ROUNDS; round++) {
      long product0 = MULTIPLIER_0 * (c0 & WORD);
      long product1 = MULTIPLIER_1 * (c2 & WORD);
      c0 = (int) (product1 >>> 32) ^ c1 ^ key0;
      c1 = (int) product1;
      c2 = (int) (product0 >>> 32) ^ c3 ^ key1;
      c3 = (int) product0;
      key0 += WEYL_0;
      key1 += WEYL_1;
    }
    return new int[] {c0, c1, c2, c3};
  }

  /** A position in a stream. Belongs to one thread. */
  public static final class Draws {
    private static final double TO_UNIT = 0x1p-32;

    private final PhiloxRandom random;
    private long nextBlock;
    private int[] words = {};
    private int used;

    private Draws(PhiloxRandom random, long block) {
      this.random = random;
      this.nextBlock = block;
    }

    private int word() {
      if (used == words.length) {
        words = random.block(nextBlock++);
        used = 0;
      }
      return words[used++];
    }

    /** A whole number in [0, bound), each equally likely (Lemire 2019). */
    public int below(int bound) {
      if (bound <= 0) {
        throw new IllegalArgumentException("no whole number lies in [0, " + bound + ")");
      }
      long product = (word() & WORD) * bound;
      if ((product & WORD) < bound) {
        long unfair = (1L << 32) % bound;
        while ((product & WORD) < unfair) {
          product = (word() & WORD) * bound;
        }
      }
      return (int) (product >>> 32);
    }

    /** A number in [0, 1), a multiple of 2^-24. */
    public float uniform() {
      return (word() >>> 8) * 0x1p-24f;
    }

    /**
     * Fills {@code values} with standard normal numbers from the next whole block on, four to a
     * block: the transform of Box and Muller in double precision, rounded once.
     */
    public void fillNormals(float[] values) {
      used = words.length;
      for (int i = 0; i < values.length; i += 4) {
        int[] block = random.block(nextBlock++);
        for (int pair = 0; pair < 4; pair += 2) {
          // (0, 1): never 0, so the logarithm is finite
          double u = ((block[pair] & WORD) + 0.5) * TO_UNIT;
          double v = ((block[pair + 1] & WORD) + 0.5) * TO_UNIT;
          double radius = Math.sqrt(-2 * StrictMath.log(u));
          double angle = 2 * Math.PI * v;
          put(values, i + pair, radius * StrictMath.cos(angle));
          put(values, i + pair + 1, radius * StrictMath.sin(angle));
        }
      }
    }

    private static void put(float[] values, int i, double value) {
      if (i < values.length) {
        values[i] = (float) value;
      }
    }
  }
}
