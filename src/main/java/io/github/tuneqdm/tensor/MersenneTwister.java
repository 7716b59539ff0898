package io.github.tuneqdm.tensor;

/** The 32-bit Mersenne Twister (Matsumoto and Nishimura 1998), PyTorch's CPU generator. */
final class MersenneTwister {
  private static final int SIZE = 624;
  private static final int MIDDLE = 397;

  private final int[] state = new int[SIZE];
  private int used = SIZE;

  MersenneTwister(int seed) {
    state[0] = seed;
    for (int i = 1; i < SIZE; i++) {
      state[i] = 1812433253 * (state[i - 1] ^ state[i - 1] >>> 30) + i;
    }
  }

  int next() {
    if (used == SIZE) {
      twist();
    }
    int word = state[used++];
    word ^= word >>> 11;
    word ^= word << 7 & 0x9D2C5680;
    word ^= word << 15 & 0xEFC60000;
    return word ^ word >>> 18;
  }

  private void twist() {
    for (int i = 0; i < SIZE; i++) {
      int mixed = state[i] & 0x80000000 | state[(i + 1) % SIZE] & 0x7FFFFFFF;
      int twisted = mixed >>> 1 ^ ((mixed & 1) == 0 ? 0 : 0x9908B0DF);
      state[i] = state[(i + MIDDLE) % SIZE] ^ twisted;
    }
    used = 0;
  }
}
