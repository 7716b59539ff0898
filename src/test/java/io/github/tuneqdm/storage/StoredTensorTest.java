package io.github.tuneqdm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class StoredTensorTest {
  private static byte[] all16BitValues() {
    ByteBuffer buffer = ByteBuffer.allocate(2 << 16).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 1 << 16; i++) {
      buffer.putShort((short) i);
    }
    return buffer.array();
  }

  @Test
  void every_half_is_widened_to_the_value_its_bits_stand_for() {
    float[] values = StoredTensor.of(DType.F16, all16BitValues(), 1 << 16).toFloats();
    for (int bits = 0; bits < 1 << 16; bits++) {
      int exponent = bits >> 10 & 31;
      int fraction = bits & 1023;
      double sign = bits >> 15 == 0 ? 1 : -1;
      if (exponent == 31) {
        double expected = fraction == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
        assertThat(Double.valueOf(values[bits])).isEqualTo(Double.valueOf(expected));
      } else {
        double expected =
            exponent == 0
                ? sign * fraction * 0x1p-24
                : sign * (1024 + fraction) * Math.pow(2, exponent - 25);
        assertThat((double) values[bits]).isEqualTo(expected);
      }
    }
  }

  @Test
  void every_bfloat16_is_the_upper_half_of_a_float() {
    float[] values = StoredTensor.of(DType.BF16, all16BitValues(), 1 << 16).toFloats();
    for (int bits = 0; bits < 1 << 16; bits++) {
      assertThat(Float.floatToRawIntBits(values[bits])).isEqualTo(bits << 16);
    }
  }

  @Test
  void integers_are_widened_with_their_sign() {
    byte[] ones = {-1, -1, -1, -1, -1, -1, -1, -1};
    assertThat(StoredTensor.of(DType.I8, ones, 8).toLongs()).containsOnly(-1);
    assertThat(StoredTensor.of(DType.U8, ones, 8).toLongs()).containsOnly(255);
    assertThat(StoredTensor.of(DType.I16, ones, 4).toLongs()).containsOnly(-1);
    assertThat(StoredTensor.of(DType.U16, ones, 4).toFloats()).containsOnly(65535);
    assertThat(StoredTensor.of(DType.I32, ones, 2).toLongs()).containsOnly(-1);
    assertThat(StoredTensor.of(DType.U32, ones, 2).toDoubles()).containsOnly(4294967295.0);
    assertThat(StoredTensor.of(DType.I64, ones, 1).toLongs()).containsOnly(-1);
    assertThat(StoredTensor.of(DType.BOOL, ones, 8).toLongs()).containsOnly(1);
    assertThatThrownBy(() -> StoredTensor.of(DType.U64, ones, 1).toLongs())
        .hasMessageContaining("18446744073709551615 would be rounded");
  }

  @Test
  void values_that_would_be_rounded_are_refused() {
    assertThatThrownBy(() -> StoredTensor.of(new double[] {0.1}, 1).toFloats())
        .hasMessageContaining("0.1 would be rounded");
    assertThatThrownBy(() -> StoredTensor.of(new int[] {16777217}, 1).toFloats())
        .hasMessageContaining("16777217 would be rounded");
    assertThatThrownBy(() -> StoredTensor.of(new long[] {Long.MAX_VALUE}, 1).toFloats())
        .hasMessageContaining("would be rounded");
    assertThatThrownBy(() -> StoredTensor.of(new long[] {Long.MAX_VALUE}, 1).toDoubles())
        .hasMessageContaining("would be rounded");
    assertThatThrownBy(() -> StoredTensor.of(new float[] {1}, 1).toLongs())
        .hasMessageContaining("as integers");
    assertThat(StoredTensor.of(new double[] {0.5, Double.NaN}, 2).toFloats())
        .containsExactly(0.5f, Float.NaN);
    assertThat(new BigDecimal(StoredTensor.of(new long[] {1L << 62}, 1).toFloats()[0]))
        .isEqualByComparingTo(BigDecimal.valueOf(1L << 62));
  }

  @Test
  void the_bytes_cannot_be_changed_from_outside() {
    StoredTensor tensor = StoredTensor.of(new float[] {1}, 1);
    assertThat(tensor.bytes().isReadOnly()).isTrue();
    tensor.shape()[0] = 9;
    assertThat(tensor.shape()).containsExactly(1);
  }

  @Test
  void a_shape_that_does_not_fit_is_refused() {
    assertThatThrownBy(() -> StoredTensor.of(new float[] {1, 2}, 3))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
