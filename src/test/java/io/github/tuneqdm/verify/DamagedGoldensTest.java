package io.github.tuneqdm.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.DType;
import io.github.tuneqdm.storage.SafetensorsFile;
import io.github.tuneqdm.storage.SafetensorsWriter;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.tensor.Compute;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is wrong in a folder of goldens is a failing row, and only where it is wrong. */
class DamagedGoldensTest {
  private static final Path GOLDENS = Path.of("src/test/goldens");
  private static Compute compute;

  @TempDir Path folder;

  @BeforeAll
  static void open() {
    compute = Compute.cpu(1);
  }

  @AfterAll
  static void close() {
    compute.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"metrics", "tq_micro", "preprocess", "pt/zoo_expected"})
  void one_changed_value_of_any_tensor_fails_its_file(String name) throws IOException {
    copy("photo/nonsquare.jpg", "pt/zoo.pt", name + ".safetensors");
    assertThat(row(name + ".safetensors").passed()).isTrue();
    for (String tensor : names(name + ".safetensors")) {
      if (size(name + ".safetensors", tensor) > 0) {
        rewrite(name + ".safetensors", tensors -> with(tensors, tensor, changed(tensors, tensor)));
        assertThat(row(name + ".safetensors").passed()).as(tensor).isFalse();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "betas.linear",
        "min_snr_weight.v.gamma5",
        "add_noise.velocity",
        "x0",
        "step_noise",
        "ddpm.50.traj_f64",
        "pndm_prk.10.traj_f32",
        "euler.10.sigmas",
        "unipc.50.timesteps",
        "timesteps.dpm2m.7"
      })
  void one_changed_value_of_the_schedulers_fails_them(String tensor) throws IOException {
    copyFolder("schedulers");
    copy("schedulers.safetensors");
    rewrite("schedulers.safetensors", tensors -> with(tensors, tensor, changed(tensors, tensor)));

    assertThat(row("schedulers.safetensors").passed()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"metrics, pairwise_cosine", "metrics, is_logits", "tq_micro, n4.sym.lin.y"})
  void a_value_that_is_no_number_fails_its_file(String name, String tensor) throws IOException {
    copy(name + ".safetensors");
    rewrite(name + ".safetensors", tensors -> with(tensors, tensor, noNumber(tensors, tensor)));

    assertThat(row(name + ".safetensors").passed()).isFalse();
  }

  @Test
  void a_changed_number_of_the_info_fails_its_file() throws IOException {
    copy("metrics.safetensors");
    rewriteInfo(
        "metrics.safetensors", info -> info.replace("\"kid_mean\": 1.", "\"kid_mean\": 2."));

    assertThat(row("metrics.safetensors").detail()).contains("kid_mean");
  }

  @Test
  void a_number_of_the_info_that_nothing_looks_at_fails_its_file() throws IOException {
    copy("metrics.safetensors");
    rewriteInfo("metrics.safetensors", info -> info.replaceFirst("\\{", "{\"precision\": 0.5, "));

    assertThat(row("metrics.safetensors").detail()).contains("precision");
  }

  @Test
  void a_tensor_that_nothing_looks_at_fails_its_file() throws IOException {
    copy("metrics.safetensors");
    rewrite(
        "metrics.safetensors",
        tensors -> with(tensors, "surplus", StoredTensor.of(new float[] {1}, 1)));

    assertThat(row("metrics.safetensors").detail()).contains("nothing looked at: surplus");
  }

  @Test
  void a_tensor_that_is_missing_fails_its_file() throws IOException {
    copy("metrics.safetensors");
    rewrite(
        "metrics.safetensors",
        tensors -> {
          Map<String, StoredTensor> fewer = new LinkedHashMap<>(tensors);
          fewer.remove("real_embeds");
          return fewer;
        });

    assertThat(row("metrics.safetensors").detail()).contains("real_embeds");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"notes.txt", "unet_x/config.json", "pt/other.pt", ".hidden", "a.index.json"})
  void a_file_that_no_check_knows_fails_alone(String file) throws IOException {
    copy("metrics.safetensors", "README.txt");
    Files.createDirectories(folder.resolve(file).getParent());
    Files.writeString(folder.resolve(file), "{}");

    List<VerifyRow> rows = verify();

    assertThat(rows).hasSize(3).filteredOn(row -> !row.passed()).hasSize(1);
    assertThat(row(rows, file).detail()).contains("no check knows");
  }

  @Test
  void weights_beside_those_in_use_fail() throws IOException {
    copyFolder("dinov2");
    copy("dinov2.safetensors", "dinov2/model.safetensors");
    Files.writeString(folder.resolve("dinov2/model.safetensors.index.json"), "{}");

    List<VerifyRow> rows = verify();

    assertThat(rows).filteredOn(row -> !row.passed()).hasSize(1);
    assertThat(row(rows, "dinov2/model.safetensors.index.json").passed()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "metrics.safetensors, metrics.safetensors",
    "pt/zoo.pt, pt/zoo_expected.safetensors",
    "photo/nonsquare.jpg, preprocess.safetensors",
    "dinov2/model.safetensors, dinov2.safetensors",
    "clip_tokenizer/merges.txt.gz, clip_tokenizer/encodings.jsonl.gz",
    "clip_tokenizer/encodings.jsonl.gz, clip_tokenizer/encodings.jsonl.gz"
  })
  void a_truncated_file_fails_its_check_and_no_other(String file, String check) throws IOException {
    copyFolder("clip_tokenizer", "dinov2", "pt");
    Files.delete(folder.resolve("clip_tokenizer/encodings_toyworld.jsonl.gz"));
    copy("metrics.safetensors", "preprocess.safetensors", "photo/nonsquare.jpg");
    copy("dinov2.safetensors");
    byte[] whole = Files.readAllBytes(folder.resolve(file));
    Files.write(folder.resolve(file), Arrays.copyOf(whole, whole.length / 2));

    List<VerifyRow> rows = verify();

    assertThat(row(rows, check).passed()).isFalse();
    assertThat(rows)
        .filteredOn(row -> row.file().matches(".*(safetensors|jsonl\\.gz)"))
        .filteredOn(row -> !row.passed())
        .extracting(VerifyRow::file)
        .allMatch(failed -> failed.equals(check) || failed.equals(file));
  }

  @ParameterizedTest
  @CsvSource({
    "pt/zoo.pt, pt/zoo_expected.safetensors",
    "photo/nonsquare.jpg, preprocess.safetensors",
    "dinov2/config.json, dinov2.safetensors"
  })
  void an_input_that_is_missing_fails_its_check(String file, String check) throws IOException {
    copyFolder("dinov2", "pt");
    copy("preprocess.safetensors", "photo/nonsquare.jpg", "dinov2.safetensors");
    Files.delete(folder.resolve(file));

    assertThat(row(check).passed()).isFalse();
  }

  @Test
  void the_base_models_files_fail_where_no_base_is_given() throws IOException {
    copy("toyworld_pipeline.safetensors", "clip_tokenizer/encodings_toyworld.jsonl.gz");

    assertThat(verify())
        .hasSize(2)
        .allSatisfy(
            row -> {
              assertThat(row.passed()).isFalse();
              assertThat(row.detail()).contains("--base");
            });
  }

  @Test
  void a_listed_hash_that_is_not_the_files_fails_the_list() throws IOException {
    copy("metrics.safetensors");
    Files.writeString(
        folder.resolve("SHA256SUMS"),
        "0".repeat(64) + "  ./metrics.safetensors\n" + "0".repeat(64) + "  ./gone.bin\n");

    assertThat(row("SHA256SUMS").detail())
        .contains("metrics.safetensors has another hash")
        .contains("gone.bin is missing");
  }

  @Test
  void names_do_not_lead_out_of_the_folder() throws IOException {
    copy("preprocess.safetensors");
    rewriteInfo(
        "preprocess.safetensors",
        info -> info.replace("photo/nonsquare.jpg", "../photo/nonsquare.jpg"));

    assertThat(row("preprocess.safetensors").detail()).contains("it lies outside of");
  }

  @Test
  void a_folder_that_is_missing_or_empty_is_refused() {
    assertThatThrownBy(() -> verify())
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("the folder is empty");
    assertThatThrownBy(() -> ModelVerifier.verify(folder.resolve("none"), null, compute, row -> {}))
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.INPUT_DATA))
        .hasMessageContaining("no such folder");
  }

  private List<VerifyRow> verify() {
    return ModelVerifier.verify(folder, null, compute, row -> {});
  }

  private VerifyRow row(String file) {
    return row(verify(), file);
  }

  private static VerifyRow row(List<VerifyRow> rows, String file) {
    return rows.stream().filter(row -> row.file().equals(file)).findFirst().orElseThrow();
  }

  private void copy(String... files) throws IOException {
    for (String file : files) {
      Path to = folder.resolve(file);
      Files.createDirectories(to.getParent());
      if (!Files.exists(to)) {
        Files.copy(GOLDENS.resolve(file), to);
      }
    }
  }

  private void copyFolder(String... folders) throws IOException {
    for (String name : folders) {
      try (Stream<Path> files = Files.walk(GOLDENS.resolve(name))) {
        copy(
            files
                .filter(Files::isRegularFile)
                .map(file -> GOLDENS.relativize(file).toString())
                .toArray(String[]::new));
      }
    }
  }

  private static List<String> names(String file) {
    try (SafetensorsFile tensors = SafetensorsFile.open(GOLDENS.resolve(file))) {
      return List.copyOf(tensors.names());
    }
  }

  private static long size(String file, String tensor) {
    try (SafetensorsFile tensors = SafetensorsFile.open(GOLDENS.resolve(file))) {
      return tensors.tensor(tensor).elementCount();
    }
  }

  /** Writes the golden file again with other tensors. */
  private void rewrite(String file, UnaryOperator<Map<String, StoredTensor>> change)
      throws IOException {
    rewrite(file, change, UnaryOperator.identity());
  }

  private void rewriteInfo(String file, UnaryOperator<String> change) throws IOException {
    rewrite(file, UnaryOperator.identity(), change);
  }

  private void rewrite(
      String file, UnaryOperator<Map<String, StoredTensor>> change, UnaryOperator<String> info)
      throws IOException {
    Files.deleteIfExists(folder.resolve(file));
    try (SafetensorsFile golden = SafetensorsFile.open(GOLDENS.resolve(file))) {
      Map<String, StoredTensor> tensors = new LinkedHashMap<>();
      golden.names().forEach(name -> tensors.put(name, golden.tensor(name)));
      Map<String, String> metadata = new LinkedHashMap<>(golden.metadata());
      metadata.computeIfPresent("info", (key, json) -> info.apply(json));
      SafetensorsWriter.write(folder.resolve(file), change.apply(tensors), metadata);
    }
  }

  private static Map<String, StoredTensor> with(
      Map<String, StoredTensor> tensors, String name, StoredTensor tensor) {
    Map<String, StoredTensor> other = new LinkedHashMap<>(tensors);
    other.put(name, tensor);
    return other;
  }

  /**
   * The tensor with another value in its middle: larger, or with another bit. The middle, since the
   * ends of tensors with a row an expert belong to experts that were not selected.
   */
  private static StoredTensor changed(Map<String, StoredTensor> tensors, String name) {
    StoredTensor tensor = tensors.get(name);
    ByteBuffer bytes = bytes(tensor);
    int at = (int) (tensor.elementCount() / 2) * tensor.dtype().bytes();
    switch (tensor.dtype()) {
      case F64 -> {
        double value = bytes.getDouble(at);
        bytes.putDouble(at, value + Math.max(1, Math.abs(value)));
      }
      case F32 -> {
        float value = bytes.getFloat(at);
        bytes.putFloat(at, value + Math.max(1, Math.abs(value)));
      }
      case F16, BF16 -> bytes.put(at + 1, (byte) (bytes.get(at + 1) ^ 0x10));
      default -> bytes.put(at, (byte) (bytes.get(at) ^ 1));
    }
    return StoredTensor.of(tensor.dtype(), bytes.array(), tensor.shape());
  }

  private static StoredTensor noNumber(Map<String, StoredTensor> tensors, String name) {
    StoredTensor tensor = tensors.get(name);
    ByteBuffer bytes = bytes(tensor);
    if (tensor.dtype() == DType.F64) {
      bytes.putDouble(0, Double.NaN);
    } else {
      bytes.putFloat(0, Float.NaN);
    }
    return StoredTensor.of(tensor.dtype(), bytes.array(), tensor.shape());
  }

  private static ByteBuffer bytes(StoredTensor tensor) {
    byte[] bytes = new byte[tensor.bytes().remaining()];
    tensor.bytes().get(bytes);
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
