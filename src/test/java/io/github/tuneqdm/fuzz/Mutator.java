package io.github.tuneqdm.fuzz;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Small damages to inputs, as a seeded random source chooses them. */
public final class Mutator {
  private static final int LONGEST = 1 << 20;

  private static final long[] EDGES = {
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    15,
    16,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    1 << 20,
    1 << 24,
    Integer.MAX_VALUE - 8,
    Integer.MAX_VALUE,
    Integer.MAX_VALUE + 1L,
    0xFFFF_FFFFL,
    1L << 32,
    1L << 40,
    1L << 62,
    Long.MAX_VALUE,
    -1,
    -2,
    -8,
    Integer.MIN_VALUE,
    Long.MIN_VALUE
  };

  private static final List<String> NUMBERS =
      List.of(
          "-1",
          "0",
          "1",
          "2",
          "1e3",
          "-0",
          "0.5",
          "1e999",
          "NaN",
          "null",
          "true",
          "[]",
          "{}",
          "\"\"",
          "4294967296",
          "9223372036854775807",
          "9223372036854775808",
          "18446744073709551615",
          "99999999999999999999999999999999999999",
          "2147483648");

  private static final Pattern NUMBER = Pattern.compile("-?[0-9]+(\\.[0-9]+)?");

  private final SplittableRandom random;

  public Mutator(SplittableRandom random) {
    this.random = random;
  }

  public SplittableRandom random() {
    return random;
  }

  public <T> T any(List<T> choices) {
    return choices.get(random.nextInt(choices.size()));
  }

  /** One to four damages that know nothing of the format. */
  public byte[] bytes(byte[] input, List<byte[]> others) {
    byte[] out = input;
    for (int i = 1 + random.nextInt(4); i > 0; i--) {
      out = once(out, others);
    }
    return out.length > LONGEST ? Arrays.copyOf(out, LONGEST) : out;
  }

  private byte[] once(byte[] in, List<byte[]> others) {
    if (in.length == 0) {
      return any(others).clone();
    }
    int at = random.nextInt(in.length);
    int length = 1 + random.nextInt(Math.min(64, in.length - at));
    return switch (random.nextInt(9)) {
      case 0 -> flipped(in, at);
      case 1 -> edge(in, at);
      case 2 -> edge(in, Math.min(at, 64)); // headers decide most
      case 3 -> Arrays.copyOf(in, at);
      case 4 -> joined(Arrays.copyOf(in, at), Arrays.copyOfRange(in, at + length, in.length));
      case 5 -> joined(Arrays.copyOf(in, at + length), Arrays.copyOfRange(in, at, in.length));
      case 6 -> {
        byte[] noise = new byte[length];
        random.nextBytes(noise);
        byte[] out = in.clone();
        System.arraycopy(noise, 0, out, at, length);
        yield out;
      }
      case 7 -> {
        byte[] other = any(others);
        int from = random.nextInt(other.length + 1);
        yield joined(Arrays.copyOf(in, at), Arrays.copyOfRange(other, from, other.length));
      }
      default -> number(in);
    };
  }

  private byte[] flipped(byte[] in, int at) {
    byte[] out = in.clone();
    out[at] ^= (byte) (1 << random.nextInt(8));
    return out;
  }

  /** Puts a number at the edge of some type over one, two, four or eight bytes. */
  private byte[] edge(byte[] in, int at) {
    byte[] out = in.clone();
    int width = Math.min(1 << random.nextInt(4), out.length - at);
    ByteOrder order = random.nextBoolean() ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN;
    byte[] value =
        ByteBuffer.allocate(8).order(order).putLong(EDGES[random.nextInt(EDGES.length)]).array();
    int from = order == ByteOrder.LITTLE_ENDIAN ? 0 : 8 - width;
    System.arraycopy(value, from, out, at, width);
    return out;
  }

  /** Puts another number, or what is none, in the place of one that is written in digits. */
  public byte[] number(byte[] in) {
    return latin1(number(latin1(in)));
  }

  public String number(String text) {
    List<MatchResult> numbers = NUMBER.matcher(text).results().toList();
    if (numbers.isEmpty()) {
      return text;
    }
    MatchResult chosen = any(numbers);
    return text.substring(0, chosen.start()) + any(NUMBERS) + text.substring(chosen.end());
  }

  /** Cuts a text at the format's marks and drops, doubles, swaps or replaces pieces. */
  public String tokens(String text, Pattern marks, List<String> dictionary) {
    List<String> tokens = new ArrayList<>();
    int from = 0;
    for (MatchResult mark : marks.matcher(text).results().toList()) {
      tokens.add(text.substring(from, mark.start()));
      tokens.add(mark.group());
      from = mark.end();
    }
    tokens.add(text.substring(from));
    for (int i = 1 + random.nextInt(4); i > 0 && !tokens.isEmpty(); i--) {
      int at = random.nextInt(tokens.size());
      switch (random.nextInt(6)) {
        case 0 -> tokens.remove(at);
        case 1 -> tokens.add(at, tokens.get(random.nextInt(tokens.size())));
        case 2 -> tokens.set(at, any(dictionary));
        case 3 -> tokens.add(at, any(dictionary));
        case 4 -> tokens.set(at, number(tokens.get(at)));
        default -> {
          int length = 1 + random.nextInt(Math.min(12, tokens.size() - at));
          List<String> piece = List.copyOf(tokens.subList(at, at + length));
          for (int times = 1 << random.nextInt(8); times > 0 && tokens.size() < 4000; times--) {
            tokens.addAll(at, piece);
          }
        }
      }
    }
    String out = String.join("", tokens);
    return out.length() > LONGEST ? out.substring(0, LONGEST) : out;
  }

  public static String latin1(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  public static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  public static byte[] joined(byte[] a, byte[] b) {
    byte[] out = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, out, a.length, b.length);
    return out;
  }
}
