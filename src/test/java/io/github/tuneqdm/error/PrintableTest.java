package io.github.tuneqdm.error;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrintableTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "Cannot read a: b | Cannot read a: b",
        "~a\u001b[2Jb~ | a\\u001b[2Jb",
        "~gpj\u202eexe~ | gpj\\u202eexe",
        "~one\n   two\r\nthree~ | one two three",
        "~zero\u200bwidth~ | zero\\u200bwidth",
        "~half \ud83d~ | half \\ud83d",
        "~\u00e9\u4e16\ud83d\udc36~ | ~\u00e9\u4e16\ud83d\udc36~",
      })
  void whatATerminalMustNotSeeIsEscaped(String message, String shown) {
    assertThat(TuneQdmException.usage(message)).hasMessage(shown);
  }

  @Test
  void zerosAndTextThatGrowsWithItsEscapesAreHeldToo() {
    assertThat(TuneQdmException.usage("a\0b")).hasMessage("a\\u0000b");
    assertThat(TuneQdmException.usage("\0".repeat(1999)).getMessage()).hasSizeLessThan(2000);
  }

  @Test
  void longMessagesKeepBothEnds() {
    String message =
        TuneQdmException.usage("Cannot read " + "x".repeat(1 << 20) + ": why").getMessage();

    assertThat(message).hasSizeLessThan(2000).startsWith("Cannot read xxx").endsWith("x: why");
    assertThat(message).contains("[... 1046793 characters ...]");
  }
}
