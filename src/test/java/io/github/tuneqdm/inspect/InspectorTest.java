package io.github.tuneqdm.inspect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.ToyWorld;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InspectorTest {
  private static final Path GOLDENS = Path.of("src/test/goldens");

  @TempDir Path folder;

  private static String describe(Path path) {
    return String.join("\n", Inspector.describe(path).lines());
  }

  @Test
  void describesAPipelineByItsParts() {
    assertThat(describe(ToyWorld.ROOT.resolve("base")))
        .contains("UNet2DConditionModel, 7,192,900 parameters")
        .contains("layers to quantise")
        .contains("AutoencoderKL")
        .contains("CLIPTextModel")
        .contains("PNDMScheduler, predicts epsilon")
        .contains("up to 24 tokens");
  }

  @ParameterizedTest
  @CsvSource({
    "unet_sdxl, UNet2DConditionModel",
    "unet_ddpm, UNet2DModel",
    "vae_legacy, AutoencoderKL",
    "clip, CLIPModel",
    "dino_vit, ViTModel",
    "dinov2, Dinov2Model"
  })
  void describesSingleNetworks(String name, String type) {
    assertThat(describe(GOLDENS.resolve(name))).contains(type).contains("parameters");
  }

  @Test
  void describesAnOfficialCheckpoint() {
    assertThat(describe(GOLDENS.resolve("tuneqdm_state.pt")))
        .contains("4, asymmetric")
        .contains("4 over 1000 timesteps")
        .contains("delta_in_experts");
  }

  @Test
  void refusesATruncatedModel() throws IOException {
    copy(ToyWorld.ROOT.resolve("base"), folder);
    Path weights = folder.resolve("vae/diffusion_pytorch_model.safetensors");
    try (RandomAccessFile file = new RandomAccessFile(weights.toFile(), "rw")) {
      file.setLength(file.length() - 1000);
    }

    assertThatThrownBy(() -> describe(folder))
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.INPUT_DATA))
        .hasMessageContaining("diffusion_pytorch_model.safetensors");
  }

  @Test
  void refusesAModelThatIsNotWhatItsConfigSays() throws IOException {
    copy(GOLDENS.resolve("vae_legacy"), folder);
    Path config = folder.resolve("config.json");
    Files.writeString(config, Files.readString(config).replace("8,", "16,"));

    assertThatThrownBy(() -> describe(folder))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("where config.json implies");
  }

  @Test
  void refusesAFolderOfNoKnownKind() {
    assertThatThrownBy(() -> describe(folder))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("it is no model folder");
  }

  @Test
  void refusesAPathThatIsNotThere() {
    assertThatThrownBy(() -> describe(folder.resolve("nowhere")))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageEndingWith("there is no such path");
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path target = to.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else {
          Files.copy(file, target, StandardCopyOption.REPLACE_EXISTING);
        }
      }
    }
  }
}
