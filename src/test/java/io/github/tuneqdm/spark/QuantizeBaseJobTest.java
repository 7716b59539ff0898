package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.quant.QuantizedBase;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.quant.WeightQuantizer;
import io.github.tuneqdm.storage.ModelWeights;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuantizeBaseJobTest {
  private static final Path UNET = Path.of("src/demo/toyworld/base/unet");

  @TempDir Path storage;

  @Test
  void everyLayerIsQuantisedAsTheQuantiserDoes() {
    QuantizeBaseJob.Result result = quantize(SparkTests.Master.local(), storage, Map.of());

    try (QuantizedBase base = QuantizedBase.open(Path.of(URI.create(result.folder())));
        TensorSource unet = ModelWeights.open(UNET)) {
      assertThat(base.id()).isEqualTo(result.id());
      for (String layer : base.layerNames()) {
        StoredTensor weight = unet.tensor(layer + ".weight");
        assertThat(base.layer(layer))
            .isEqualTo(
                WeightQuantizer.quantize(
                    weight.toFloats(), weight.shape(), new QuantizerSettings(4, false)));
      }
    }
  }

  @Test
  void aBaseThatIsThereIsUsedAsItIs() throws IOException {
    Path folder =
        Path.of(URI.create(quantize(SparkTests.Master.local(), storage, Map.of()).folder()));
    FileTime written = Files.getLastModifiedTime(folder.resolve("manifest.json"));

    // No master: were Spark started, it would fail.
    TuneQdmConfig config = SparkTests.config(storage, Map.of());
    try (OnDemandSpark spark = new OnDemandSpark("test", config)) {
      assertThat(new QuantizeBaseJob(config, spark, SparkTests.nowhere()).run().wasThere())
          .isTrue();
    }
    assertThat(Files.getLastModifiedTime(folder.resolve("manifest.json"))).isEqualTo(written);
  }

  @Test
  void otherSettingsMakeAnotherBase() {
    QuantizeBaseJob.Result four = quantize(SparkTests.Master.local(), storage, Map.of());
    QuantizeBaseJob.Result two =
        quantize(SparkTests.Master.local(), storage, Map.of("tuneqdm.quantizer.bits", "2"));

    assertThat(two.id()).isNotEqualTo(four.id());
  }

  @Test
  void twoExecutorsOfAClusterWriteTheSameBytes() throws IOException {
    quantize(SparkTests.Master.local(), storage.resolve("local"), Map.of());
    quantize(SparkTests.Master.cluster(), storage.resolve("cluster"), Map.of());

    assertThat(SparkTests.hashes(storage.resolve("cluster/bases")))
        .hasSizeGreaterThan(3)
        .isEqualTo(SparkTests.hashes(storage.resolve("local/bases")));
  }

  @Test
  void aFolderThatIsNoModelIsBadInput() {
    assertThatThrownBy(
            () ->
                quantize(
                    SparkTests.Master.local(),
                    storage,
                    Map.of("tuneqdm.model.base", storage.toString())))
        .isInstanceOf(TuneQdmException.class)
        .extracting(e -> ((TuneQdmException) e).exitCode())
        .isEqualTo(ExitCode.INPUT_DATA);
    assertThat(storage.resolve("bases")).doesNotExist();
  }

  private static QuantizeBaseJob.Result quantize(
      SparkTests.Master master, Path storage, Map<String, String> more) {
    TuneQdmConfig config = SparkTests.config(storage, more);
    try (master;
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      return new QuantizeBaseJob(config, spark, SparkTests.nowhere()).run();
    }
  }
}
