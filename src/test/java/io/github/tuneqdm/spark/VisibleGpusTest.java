package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VisibleGpusTest {
  @Test
  void whereNothingIsHiddenAnAddressIsTheNumber() {
    assertThat(VisibleGpus.of(null).index("3")).isEqualTo(3);
  }

  @ParameterizedTest
  @CsvSource({
    "'1',       1,                0",
    "'2,3',     3,                1",
    "' 3 , 0 ', 0,                1",
    "'GPU-8a3f,GPU-77', GPU-77b1-02, 1",
    "'MIG-0a1b', MIG-0a1b,        0",
  })
  void cudaCountsWhatItsVariableLists(String variable, String address, int index) {
    assertThat(VisibleGpus.of(variable).index(address)).isEqualTo(index);
  }

  @ParameterizedTest
  @CsvSource({"'0,1', 2", "'', 0", "'-1', 0", "'0,-1,1', 1", "'GPU-8a3f', 0", "'1', 11"})
  void aGpuThatIsHiddenFromTheProcessIsRefused(String variable, String address) {
    assertThatThrownBy(() -> VisibleGpus.of(variable).index(address))
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.ENVIRONMENT))
        .hasMessageStartingWith("Cannot use GPU " + address)
        .hasMessageContaining("CUDA_VISIBLE_DEVICES");
  }

  @Test
  void aUuidNeedsTheVariable() {
    assertThatThrownBy(() -> VisibleGpus.of(null).index("GPU-8a3f"))
        .hasMessageContaining("must be its number");
  }
}
