package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import org.apache.spark.SparkConf;
import org.apache.spark.resource.ResourceProfile;
import org.junit.jupiter.api.Test;

class DeviceProfileTest {
  private final SparkConf conf = new SparkConf(false).set("spark.master", "spark://head:7077");

  private void withGpus() {
    conf.set("spark.executor.resource.gpu.amount", "2")
        .set("spark.executor.resource.gpu.vendor", "nvidia.com")
        .set("spark.executor.resource.gpu.discoveryScript", "/opt/gpus.sh");
  }

  private ResourceProfile profile(String kind) {
    return DeviceProfile.of(conf, kind).orElseThrow();
  }

  @Test
  void aTaskHasAWholeGpuWhateverIsSetForOthers() {
    withGpus();
    conf.set("spark.task.resource.gpu.amount", "0.25");
    assertThat(profile("auto").taskResourcesJMap().get("gpu").amount()).isEqualTo(1.0);
    assertThat(profile("auto").executorResourcesJMap()).doesNotContainKey("memory");
  }

  @Test
  void underDynamicAllocationExecutorsAreAskedForAsTheApplicationHasThem() {
    withGpus();
    conf.set("spark.dynamicAllocation.enabled", "true")
        .set("spark.executor.cores", "4")
        .set("spark.executor.memory", "6g")
        .set("spark.executor.memoryOverhead", "3g")
        .set("spark.memory.offHeap.enabled", "true")
        .set("spark.memory.offHeap.size", "1073741824");
    var executor = profile("gpu").executorResourcesJMap();
    assertThat(executor.get("gpu").amount()).isEqualTo(2);
    assertThat(executor.get("gpu").vendor()).isEqualTo("nvidia.com");
    assertThat(executor.get("gpu").discoveryScript()).isEqualTo("/opt/gpus.sh");
    assertThat(executor.get("cores").amount()).isEqualTo(4);
    assertThat(executor.get("memory").amount()).isEqualTo(6 * 1024);
    assertThat(executor.get("memoryOverhead").amount()).isEqualTo(3 * 1024);
    assertThat(executor.get("offHeap").amount()).isEqualTo(1024);
  }

  @Test
  void withoutGpusATaskHasAnExecutorsCores() {
    conf.set("spark.executor.cores", "4");
    assertThat(profile("auto").taskResourcesJMap().get("cpus").amount()).isEqualTo(4.0);
    withGpus();
    assertThat(profile("cpu").taskResourcesJMap()).doesNotContainKey("gpu");
  }

  @Test
  void aLocalMasterIsAskedForNothing() {
    withGpus();
    for (String master : new String[] {"local", "local[*]", "local[2,4]"}) {
      assertThat(DeviceProfile.of(conf.set("spark.master", master), "gpu")).isEmpty();
    }
    conf.set("spark.master", "local-cluster[2,1,1024]");
    assertThat(DeviceProfile.of(conf, "gpu")).isPresent();
  }

  @Test
  void gpusThatExecutorsDoNotHaveAreAUsageError() {
    assertThatThrownBy(() -> DeviceProfile.of(conf, "gpu"))
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.USAGE))
        .hasMessageContaining("spark.executor.resource.gpu.amount");
  }
}
