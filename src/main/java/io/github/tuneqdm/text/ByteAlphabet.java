package io.github.tuneqdm.text;

import java.nio.charset.StandardCharsets;

/**
 * The 256 printable characters that stand for bytes in a byte-level vocabulary.
 *
 * <p>Bytes that Latin-1 shows as a visible character stand for themselves; the other 68 (controls,
 * space, no-break space, soft hyphen) take the code points from 256 on, in byte order. So every
 * UTF-8 text can be written without blanks or controls, and {@code vocab.json} stays legible.
 */
final class ByteAlphabet {
  private static final char[] SYMBOLS = symbols();

  private ByteAlphabet() {}

  /** The word's UTF-8 bytes, one symbol a byte. */
  static String spell(String word) {
    byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
    char[] spelled = new char[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      spelled[i] = SYMBOLS[bytes[i] & 0xFF];
    }
    return new String(spelled);
  }

  private static char[] symbols() {
    char[] symbols = new char[256];
    char next = 256;
    for (int value = 0; value < 256; value++) {
      symbols[value] = isVisible(value) ? (char) value : next++;
    }
    return symbols;
  }

  private static boolean isVisible(int value) {
    boolean ascii = value >= '!' && value <= '~';
    boolean latin1 = value >= 0xA1 && value <= 0xFF && value != 0xAD;
    return ascii || latin1;
  }
}
