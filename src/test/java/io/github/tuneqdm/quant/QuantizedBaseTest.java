package io.github.tuneqdm.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.Goldens;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.ModelWeights;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.storage.SafetensorsWriter;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuantizedBaseTest {
  private static final Path TINY = Goldens.path("sd_tiny/unet");
  private static final Path TOY = Path.of("src", "demo", "toyworld", "base", "unet");
  private static final QuantizerSettings FOUR_BITS = new QuantizerSettings(4, false);

  @TempDir Path folder;

  private org.apache.hadoop.fs.Path bases() {
    return new org.apache.hadoop.fs.Path(folder.resolve("bases").toUri());
  }

  private FileSystem fs() {
    return Publisher.fileSystem(bases(), new Configuration(false));
  }

  private Path write(Path unet, QuantizerSettings settings) {
    BasePlan plan = BasePlan.of(unet, settings);
    List<BaseWriter.PartReceipt> receipts = new ArrayList<>();
    for (int part = plan.parts().size() - 1; part >= 0; part--) {
      receipts.add(BaseWriter.writePart(unet, plan, part, fs(), bases()));
    }
    return Path.of(BaseWriter.finish(unet, plan, receipts, fs(), bases()).toUri().getPath());
  }

  private Path modelFolder(String config, Map<String, StoredTensor> tensors) throws IOException {
    Path model = Files.createDirectories(folder.resolve("model"));
    Files.writeString(model.resolve("config.json"), config);
    SafetensorsWriter.write(
        model.resolve("diffusion_pytorch_model.safetensors"), tensors, Map.of());
    return model;
  }

  @Test
  void a_base_holds_every_layer_quantised_and_every_other_tensor_as_it_was() {
    Path written = write(TINY, FOUR_BITS);
    try (QuantizedBase base = QuantizedBase.open(written);
        TensorSource unet = ModelWeights.open(TINY)) {
      assertThat(written.getFileName()).hasToString("base-" + base.id());
      assertThat(base.settings()).isEqualTo(FOUR_BITS);
      for (String layer : base.layerNames()) {
        StoredTensor weight = unet.tensor(layer + ".weight");
        assertThat(base.layer(layer))
            .isEqualTo(
                WeightQuantizer.quantize(layer, weight.toFloats(), weight.shape(), FOUR_BITS));
      }
      for (String name : base.floats().names()) {
        assertThat(base.floats().tensor(name).bytes()).isEqualTo(unet.tensor(name).bytes());
        assertThat(base.floats().dtype(name)).isEqualTo(unet.dtype(name));
      }
      assertThat(base.layerNames().size() + base.floats().names().size())
          .isEqualTo(unet.names().size());
      assertThat(base.layerNames())
          .contains("conv_in", "conv_out", "time_embedding.linear_1")
          .noneMatch(name -> name.contains("norm"));
      assertThatThrownBy(() -> base.layer("none"))
          .isInstanceOf(TuneQdmException.class)
          .hasMessageContaining("'none'");
    }
  }

  @Test
  void the_demo_unet_is_planned_in_several_parts_that_are_written_in_any_order()
      throws IOException {
    BasePlan plan = BasePlan.of(TOY, FOUR_BITS);
    assertThat(plan.parts()).hasSizeBetween(4, 16);
    List<Integer> order = new ArrayList<>();
    plan.parts().forEach(part -> order.add(part.index()));
    Collections.shuffle(order);
    List<BaseWriter.PartReceipt> receipts = new ArrayList<>();
    order.forEach(part -> receipts.add(BaseWriter.writePart(TOY, plan, part, fs(), bases())));
    assertThat(BaseWriter.isFinished(fs(), bases(), plan)).isFalse();
    BaseWriter.finish(TOY, plan, receipts, fs(), bases());
    assertThat(BaseWriter.isFinished(fs(), bases(), plan)).isTrue();
    Path written = folder.resolve("bases").resolve(plan.folderName());
    String hash = Hashes.sha256OfFolder(written);
    long packed = 0;
    try (QuantizedBase base = QuantizedBase.open(written)) {
      assertThat(base.layerNames()).hasSize(plan.layerCount());
      for (String layer : base.layerNames()) {
        packed += base.layer(layer).packed().bytes().length;
      }
    }
    long weights =
        plan.parts().stream()
            .flatMap(part -> part.layers().stream())
            .mapToLong(BasePlan.Layer::weights)
            .sum();
    assertThat(packed).isBetween(weights / 2, weights / 2 + plan.layerCount());
    write(TOY, FOUR_BITS);
    assertThat(Hashes.sha256OfFolder(written)).isEqualTo(hash);
    try (Stream<Path> files = Files.walk(folder)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .noneMatch(name -> name.startsWith("."));
    }
  }

  @Test
  void the_id_depends_on_weights_configuration_and_settings_alone() throws IOException {
    Map<String, StoredTensor> tensors =
        Map.of(
            "a.weight", StoredTensor.of(new float[] {1, 2}, 1, 2),
            "b.weight", StoredTensor.of(new float[] {3, 4}, 1, 2));
    Path model = modelFolder("{}", tensors);
    String id = BasePlan.of(model, FOUR_BITS).id();
    assertThat(BasePlan.of(model, FOUR_BITS).id()).isEqualTo(id).hasSize(12);
    assertThat(BasePlan.of(model, new QuantizerSettings(4, true)).id()).isNotEqualTo(id);
    assertThat(BasePlan.of(model, new QuantizerSettings(8, false)).id()).isNotEqualTo(id);
    Path single = model.resolve("diffusion_pytorch_model.safetensors");
    Files.delete(single);
    for (String name : tensors.keySet()) {
      SafetensorsWriter.write(
          model.resolve(name + ".safetensors"), Map.of(name, tensors.get(name)), Map.of());
    }
    Files.writeString(
        model.resolve("diffusion_pytorch_model.safetensors.index.json"),
        "{\"weight_map\":{\"a.weight\":\"a.weight.safetensors\","
            + "\"b.weight\":\"b.weight.safetensors\"}}");
    assertThat(BasePlan.of(model, FOUR_BITS).id()).isEqualTo(id);
    modelFolder("{\"x\":1}", tensors);
    assertThat(BasePlan.of(model, FOUR_BITS).id()).isNotEqualTo(id);
    Map<String, StoredTensor> changed = new HashMap<>(tensors);
    changed.put("a.weight", StoredTensor.of(new float[] {1, 2.5f}, 1, 2));
    modelFolder("{}", changed);
    assertThat(BasePlan.of(model, FOUR_BITS).id()).isNotEqualTo(id);
  }

  @Test
  void a_table_of_class_vectors_is_kept_and_a_class_projection_is_quantised() throws IOException {
    Map<String, StoredTensor> tensors =
        Map.of(
            "class_embedding.weight", StoredTensor.of(new float[] {1, 2}, 1, 2),
            "conv_in.weight", StoredTensor.of(new float[] {3, 4}, 1, 2, 1, 1),
            "norm.weight", StoredTensor.of(new float[] {1}, 1),
            "add_embedding.pool.positional_embedding", StoredTensor.of(new float[] {1}, 1, 1),
            "position_ids.weight", StoredTensor.of(new long[] {1}, 1, 1));
    BasePlan table = BasePlan.of(modelFolder("{\"num_class_embeds\":10}", tensors), FOUR_BITS);
    assertThat(table.floatTensors()).hasSize(4).contains("class_embedding.weight");
    BasePlan projection =
        BasePlan.of(
            modelFolder(
                "{\"num_class_embeds\":10,\"class_embed_type\":\"simple_projection\"}", tensors),
            FOUR_BITS);
    assertThat(projection.floatTensors()).hasSize(3).doesNotContain("class_embedding.weight");
  }

  @Test
  void an_unfinished_base_is_refused() {
    BasePlan plan = BasePlan.of(TINY, FOUR_BITS);
    BaseWriter.writePart(TINY, plan, 0, fs(), bases());
    assertThatThrownBy(() -> QuantizedBase.open(folder.resolve("bases").resolve(plan.folderName())))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("no manifest.json")
        .satisfies(
            e -> assertThat(((TuneQdmException) e).exitCode()).isEqualTo(ExitCode.INPUT_DATA));
  }

  @Test
  void damage_to_any_file_is_found_and_named() throws IOException {
    Path written = write(TINY, FOUR_BITS);
    List<Path> files;
    try (Stream<Path> walk = Files.walk(written)) {
      files = walk.filter(Files::isRegularFile).toList();
    }
    assertThat(files).hasSize(3);
    for (Path file : files) {
      byte[] good = Files.readAllBytes(file);
      byte[] flipped = good.clone();
      flipped[good.length / 2] ^= 1;
      for (byte[] bad : List.of(flipped, Arrays.copyOf(good, good.length - 5))) {
        Files.write(file, bad);
        assertThatThrownBy(() -> QuantizedBase.open(written))
            .isInstanceOf(TuneQdmException.class)
            .hasMessageContaining(file.toString());
      }
      Files.delete(file);
      assertThatThrownBy(() -> QuantizedBase.open(written))
          .isInstanceOf(TuneQdmException.class)
          .hasMessageContaining(file.getFileName().toString());
      Files.write(file, good);
    }
    QuantizedBase.open(written).close();
  }

  @Test
  void a_manifest_that_points_outside_its_folder_is_refused() {
    BaseManifest.BaseFile outside = new BaseManifest.BaseFile("../float.safetensors", 1, "0");
    BaseManifest.BaseFile inside = new BaseManifest.BaseFile("float.safetensors", 1, "0");
    String id = BasePlan.id("0", "{}", FOUR_BITS);
    List<BaseManifest.PartFile> parts =
        List.of(new BaseManifest.PartFile(inside, List.of("layer")));
    byte[] good = new BaseManifest(id, FOUR_BITS, "0", "{}", parts, inside).toJson();
    assertThat(BaseManifest.parse(good, "m").parts()).isEqualTo(parts);
    byte[] bad = new BaseManifest(id, FOUR_BITS, "0", "{}", parts, outside).toJson();
    assertThatThrownBy(() -> BaseManifest.parse(bad, "m"))
        .hasMessageContaining("not one of the folder's own");
    byte[] otherId =
        new BaseManifest("x", new QuantizerSettings(2, false), "0", "{}", parts, inside).toJson();
    assertThatThrownBy(() -> BaseManifest.parse(otherId, "m"))
        .hasMessageContaining("source and settings give");
  }

  @Test
  void a_weight_or_bias_that_is_not_finite_is_refused_before_anything_is_written()
      throws IOException {
    Map<String, StoredTensor> tensors = new HashMap<>();
    tensors.put("a.weight", StoredTensor.of(new float[] {1, Float.NaN}, 1, 2));
    Path bad = modelFolder("{}", tensors);
    assertThatThrownBy(() -> BasePlan.of(bad, FOUR_BITS))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("value 1 of tensor 'a.weight' is not a finite number");
    tensors.put("a.weight", StoredTensor.of(new float[] {1, 2}, 1, 2));
    tensors.put("a.bias", StoredTensor.of(new float[] {Float.POSITIVE_INFINITY}, 1));
    modelFolder("{}", tensors);
    assertThatThrownBy(() -> BasePlan.of(bad, FOUR_BITS))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("value 0 of tensor 'a.bias' is not a finite number");
  }

  @Test
  void weights_that_change_between_plan_and_task_are_refused() throws IOException {
    Path model = modelFolder("{}", Map.of("a.weight", StoredTensor.of(new float[] {1, 2}, 1, 2)));
    BasePlan plan = BasePlan.of(model, FOUR_BITS);
    modelFolder("{}", Map.of("a.weight", StoredTensor.of(new float[] {1, 3}, 1, 2)));
    assertThatThrownBy(() -> BaseWriter.writePart(model, plan, 0, fs(), bases()))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("has changed since");
  }

  @Test
  void folders_that_are_no_models_are_refused() throws IOException {
    assertThatThrownBy(() -> BasePlan.of(folder.resolve("none"), FOUR_BITS))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("config.json");
    Path model = modelFolder("{", Map.of("a.weight", StoredTensor.of(new float[] {1, 2}, 1, 2)));
    assertThatThrownBy(() -> BasePlan.of(model, FOUR_BITS)).hasMessageContaining("not valid JSON");
    modelFolder("{}", Map.of("a.bias", StoredTensor.of(new float[] {1, 2}, 2)));
    assertThatThrownBy(() -> BasePlan.of(model, FOUR_BITS))
        .hasMessageContaining("no linear or convolution layer");
    modelFolder("{}", Map.of("a.weight", StoredTensor.of(new float[0], 0, 2)));
    assertThatThrownBy(() -> BasePlan.of(model, FOUR_BITS)).hasMessageContaining("is empty");
  }
}
