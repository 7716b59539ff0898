package io.github.tuneqdm.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.jna.NativeLibrary;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.tensor.Compute;
import org.junit.jupiter.api.Test;

class NativeLibrariesTest {

  @Test
  void whatPyTorchLoadedIsFound() {
    try (Compute compute = Compute.cpu(1)) {
      assertThat(compute.cuda()).isEmpty();
      NativeLibrary torch = new NativeLibraries().loaded("libtorch_cpu.so");

      assertThat(torch.getFunction("aoti_torch_get_data_ptr")).isNotNull();
    }
  }

  @Test
  void whatIsNotThereIsNamed() {
    NativeLibraries libraries = new NativeLibraries();

    assertThatThrownBy(() -> libraries.loaded("libtorch_none.so"))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("libtorch_none.so is not loaded");
  }
}
