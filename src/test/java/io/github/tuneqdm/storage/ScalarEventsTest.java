package io.github.tuneqdm.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.spark.EventFiles;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ScalarEventsTest {
  /**
   * The head that TensorFlow gives every file, at time 0: length 24, its checksum a3 7f 4b 22, the
   * version, and the checksum of that.
   */
  private static final String HEAD =
      "1800000000000000a37f4b220900000000000000001a0d627261696e2e4576656e743a32eedf28a3";

  @Test
  void anEmptyFileIsWhatTensorBoardsOwnWriterBeginsWith() {
    assertThat(HexFormat.of().formatHex(new ScalarEvents().toBytes())).isEqualTo(HEAD);
  }

  @Test
  void protobufsParserFindsEveryNumber() {
    ScalarEvents events = new ScalarEvents();
    events.add(1, Map.of("loss", 0.125));
    events.add(300, Map.of("loss", -1e-30));
    events.add(1L << 40, Map.of("größe", Double.POSITIVE_INFINITY));

    assertThat(EventFiles.read(events.toBytes()))
        .containsExactly(
            Map.entry(1L, Map.of("loss", 0.125f)),
            Map.entry(300L, Map.of("loss", -1e-30f)),
            Map.entry(1L << 40, Map.of("größe", Float.POSITIVE_INFINITY)));
  }
}
