package io.github.tuneqdm.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class FinitenessTest {

  @Test
  void findsTheFirstValueThatIsNoFiniteNumber() {
    float[] floats = {1, Float.MAX_VALUE, Float.NEGATIVE_INFINITY, Float.NaN};
    double[] doubles = {1, Double.MAX_VALUE, Double.NaN};
    byte[] half = {(byte) 0xff, 0x7b, 0x00, (byte) 0xfc}; // 65504, -Infinity
    byte[] brain = {0x7f, 0x7f, (byte) 0xc0, 0x7f}; // the largest finite number, NaN

    assertThat(Finiteness.firstNonFinite(StoredTensor.of(floats, 4))).hasValue(2);
    assertThat(Finiteness.firstNonFinite(StoredTensor.of(doubles, 3))).hasValue(2);
    assertThat(Finiteness.firstNonFinite(StoredTensor.of(DType.F16, half, 2))).hasValue(1);
    assertThat(Finiteness.firstNonFinite(StoredTensor.of(DType.BF16, brain, 2))).hasValue(1);
  }

  @Test
  void finiteAndIntegerTensorsHaveNone() {
    assertThat(Finiteness.firstNonFinite(StoredTensor.of(new float[] {0, -1}, 2)))
        .isEqualTo(OptionalLong.empty());
    assertThat(Finiteness.firstNonFinite(StoredTensor.of(new long[] {-1}, 1))).isEmpty();
  }
}
