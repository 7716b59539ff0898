package io.github.tuneqdm.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tuneqdm.GoldenTensors;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImagePreprocessorTest {
  private static final GoldenTensors GOLDENS = GoldenTensors.open("preprocess.safetensors");
  private static final Path TOYWORLD = Path.of("src/demo/toyworld");
  private static final String CLIP =
      """
      {"feature_extractor_type": "CLIPFeatureExtractor", "size": 224, "crop_size": 224,
       "resample": 3, "do_center_crop": true,
       "image_mean": [0.48145466, 0.4578275, 0.40821073],
       "image_std": [0.26862954, 0.26130258, 0.27577711]}
      """;

  private final RgbImage photo = GOLDENS.image("decoded_rgb");

  @TempDir Path folder;

  @Test
  void clipCropsAsTheReferenceDoes() throws IOException {
    ImagePreprocessor clip = fromConfig(CLIP);

    assertThat(clip.crop(photo)).isEqualTo(GOLDENS.image("clip.cropped"));
    assertRows(clip.pixelValues(photo), 224, 100, "clip.pixel_values_rows_100_104");
  }

  @Test
  void newFormOfTheConfigMeansTheSame() throws IOException {
    ImagePreprocessor clip =
        fromConfig(
            """
            {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 224},
             "crop_size": {"height": 224, "width": 224}, "do_rescale": true,
             "rescale_factor": 0.00392156862745098}
            """);

    assertThat(clip.pixelValues(photo)).isEqualTo(fromConfig(CLIP).pixelValues(photo));
  }

  @Test
  void dinoCropsAsTheDreamBoothProtocolDoes() {
    ImagePreprocessor dino = ImagePreprocessor.dino();

    assertThat(dino.crop(photo).crop(0, 96, 224, 32))
        .isEqualTo(GOLDENS.image("dino.cropped_rows_96_128"));
    assertRows(dino.pixelValues(photo), 224, 100, "dino.pixel_values_rows_100_104");
  }

  @Test
  void vitSqueezesToASquare() throws IOException {
    ImagePreprocessor vit =
        fromConfig("{\"feature_extractor_type\": \"ViTFeatureExtractor\", \"size\": 224}");

    assertThat(vit.crop(photo).crop(0, 96, 224, 32))
        .isEqualTo(GOLDENS.image("vit.resized_rows_96_128"));
  }

  @Test
  void dinoV2TakesTheShorterEdgeAndCrops() throws IOException {
    ImagePreprocessor bit =
        fromConfig(
            """
            {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 256},
             "crop_size": {"height": 224, "width": 224}, "resample": 3, "do_center_crop": true}
            """);

    // transformers' crop starts at (47, 16) where torchvision's starts at (48, 16).
    RgbImage crop = bit.crop(photo);
    assertThat(crop.crop(1, 96, 223, 32))
        .isEqualTo(GOLDENS.image("dino.cropped_rows_96_128").crop(0, 0, 223, 32));
  }

  @Test
  void toyWorldPicturesAreOnlyNormalised() {
    RgbImage picture = RgbImage.filled(64, 64, 0xFF8000);
    ImagePreprocessor clip =
        ImagePreprocessor.fromConfig(TOYWORLD.resolve("clip/preprocessor_config.json"));
    ImagePreprocessor dino =
        ImagePreprocessor.fromConfig(TOYWORLD.resolve("dino/preprocessor_config.json"));

    assertThat(clip.crop(picture)).isEqualTo(picture);
    assertThat(dino.crop(picture)).isEqualTo(picture);
    assertThat(dino.pixelValues(picture)[0]).isCloseTo((1 - 0.485f) / 0.229f, within(1e-6f));
    assertThat(dino.pixelValues(picture)).hasSize(3 * 64 * 64);
  }

  @Test
  void stepsCanBeSwitchedOff() throws IOException {
    ImagePreprocessor plain =
        fromConfig(
            """
            {"feature_extractor_type": "ViTFeatureExtractor", "do_resize": false,
             "do_rescale": false, "do_normalize": false}
            """);

    assertThat(plain.pixelValues(RgbImage.filled(2, 1, 0x0A141E)))
        .containsExactly(10, 10, 20, 20, 30, 30);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          []                                        | it is not a JSON object
          {                                         | not valid JSON
          {}                                        | image processor "" is unknown
          {"image_processor_type": "DPT"}           | image processor "DPT" is unknown
          {T, "size": 0}                            | size is 0
          {T, "size": "224"}                        | size is "224"
          {T, "size": {"longest_edge": 3}}          | size is {"longest_edge":3}
          {T, "size": 100000}                       | size is 100000
          {T, "size": 32, "crop_size": 64}          | crop_size is larger than size
          {T, "do_resize": false}                   | a centre crop without a resize
          {T, "do_resize": 1}                       | do_resize is 1, not true or false
          {T, "resample": 5}                        | resample is 5
          {T, "image_mean": [0.5, 0.5]}             | image_mean is [0.5,0.5], not three numbers
          {T, "image_mean": [0.5, 0.5, "x"]}        | image_mean holds "x", not a number
          {T, "image_std": [0.5, 0, 0.5]}           | image_std has a zero
          {T, "size": 3, "size": 4}                 | Duplicate field 'size'
          """)
  void malformedConfigsAreRefused(String json, String why) {
    String full = json.replace("T", "\"image_processor_type\": \"CLIPImageProcessor\"");
    String config = json.startsWith("{T") ? full : json;

    assertThatThrownBy(() -> fromConfig(config))
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.INPUT_DATA))
        .hasMessageStartingWith("Cannot read " + folder.resolve("preprocessor_config.json") + ": ")
        .hasMessageContaining(why);
  }

  @Test
  void missingConfigIsNamed() {
    assertThatThrownBy(() -> ImagePreprocessor.fromConfig(folder.resolve("none.json")))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageEndingWith("none.json: no such file");
  }

  @Test
  void stripsThatWouldFillTheMemoryAreRefused() {
    RgbImage strip = RgbImage.filled(1_000_000, 1, 0);

    assertThatThrownBy(() -> ImagePreprocessor.dino().crop(strip))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("1000000 x 1 to a shorter edge of 256 pixels");
  }

  private ImagePreprocessor fromConfig(String json) throws IOException {
    return ImagePreprocessor.fromConfig(
        Files.writeString(folder.resolve("preprocessor_config.json"), json));
  }

  /** Compares 4 rows of a (3, side, side) tensor, from row {@code first} on. */
  static void assertRows(float[] values, int side, int first, String golden) {
    float[] expected = GOLDENS.floats(golden);
    assertThat(values).hasSize(3 * side * side);
    assertThat(expected).hasSize(3 * 4 * side);
    for (int i = 0; i < expected.length; i++) {
      int channel = i / (4 * side);
      float value = values[channel * side * side + first * side + i % (4 * side)];
      assertThat(value).isCloseTo(expected[i], within(1e-6f));
    }
  }
}
