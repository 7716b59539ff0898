package io.github.tuneqdm.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DiscoverGpusTest {
  private static final Path SCRIPT = Path.of("deploy/gpu/discover-gpus.sh").toAbsolutePath();

  /** What nvidia-smi prints on a machine with three GPUs, the last one cut into instances. */
  private static final String THREE_GPUS =
      """
      #!/bin/bash
      case "$*" in
        *--query-gpu=index,uuid*)
          echo "0, GPU-8a3f0000-aaaa"; echo "1, GPU-8b770000-bbbb"; echo "2, GPU-9c110000-cccc" ;;
        -L)
          echo "GPU 2: NVIDIA H100 (UUID: GPU-9c110000-cccc)"
          echo "  MIG 1g.10gb     Device  0: (UUID: MIG-0d220000-dddd)" ;;
      esac
      """;

  @TempDir Path bin;

  @Test
  void everyGpuIsListed() throws Exception {
    fake(THREE_GPUS);
    assertThat(run(null)).isEqualTo("{\"name\": \"gpu\", \"addresses\": [\"0\", \"1\", \"2\"]}\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1            | \"1\"",
        "2,0          | \"2\", \"0\"",
        "'GPU-8b77,0' | \"GPU-8b77\", \"0\"",
        "MIG-0d220000-dddd | \"MIG-0d220000-dddd\"",
        "0,7,1        | \"0\"",
        "-1           | ''",
        "''           | ''"
      })
  void whatTheEnvironmentHidesIsNotListed(String variable, String addresses) throws Exception {
    fake(THREE_GPUS);
    assertThat(run(variable))
        .isEqualTo("{\"name\": \"gpu\", \"addresses\": [" + addresses + "]}\n");
  }

  @Test
  void withoutAGpuOrADriverTheListIsEmpty() throws Exception {
    assertThat(run(null)).isEqualTo("{\"name\": \"gpu\", \"addresses\": []}\n");
    fake("#!/bin/bash\necho 'NVIDIA-SMI has failed because it could not communicate'; exit 9\n");
    assertThat(run(null)).isEqualTo("{\"name\": \"gpu\", \"addresses\": []}\n");
    fake("#!/bin/bash\necho 'Unable to determine the device handle for GPU 0: Unknown Error'\n");
    assertThat(run("0")).isEqualTo("{\"name\": \"gpu\", \"addresses\": []}\n");
  }

  private void fake(String script) throws IOException {
    Path smi = bin.resolve("nvidia-smi");
    Files.writeString(smi, script);
    Files.setPosixFilePermissions(smi, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private String run(String visible) throws IOException, InterruptedException {
    ProcessBuilder process = new ProcessBuilder("bash", SCRIPT.toString());
    process.environment().put("PATH", bin + ":" + System.getenv("PATH"));
    process.environment().remove("CUDA_VISIBLE_DEVICES");
    if (visible != null) {
      process.environment().put("CUDA_VISIBLE_DEVICES", visible);
    }
    Process running = process.start();
    String out = new String(running.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(running.waitFor()).isZero();
    return out;
  }
}
