package io.github.tuneqdm.image;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.ImagePreprocessor.Keep;
import io.github.tuneqdm.image.ImagePreprocessor.Resize;
import io.github.tuneqdm.image.ImagePreprocessor.ShorterEdge;
import io.github.tuneqdm.image.ImagePreprocessor.Size;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * {@code preprocessor_config.json} with the defaults of the class that it names. What a key leaves
 * out follows that class: CLIP and Bit take the shorter edge and crop, ViT squeezes to a square.
 */
final class PreprocessorConfig {
  private static final long MAX_BYTES = 1 << 20;

  /** A side beyond this is a damaged file: the largest encoders take about a thousand pixels. */
  private static final int MAX_SIDE = 8192;

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private enum Family {
    CLIP(
        Resampling.BICUBIC,
        true,
        new double[] {0.48145466, 0.4578275, 0.40821073},
        new double[] {0.26862954, 0.26130258, 0.27577711}),
    BIT(
        Resampling.BICUBIC,
        true,
        new double[] {0.48145466, 0.4578275, 0.40821073},
        new double[] {0.26862954, 0.26130258, 0.27577711}),
    VIT(Resampling.BILINEAR, false, new double[] {0.5, 0.5, 0.5}, new double[] {0.5, 0.5, 0.5});

    private final Resampling resampling;
    private final boolean byEdge;
    private final double[] mean;
    private final double[] std;

    Family(Resampling resampling, boolean byEdge, double[] mean, double[] std) {
      this.resampling = resampling;
      this.byEdge = byEdge;
      this.mean = mean;
      this.std = std;
    }
  }

  private final Path path;
  private final JsonNode json;
  private final Family family;

  private PreprocessorConfig(Path path) {
    this.path = path;
    this.json = parse();
    this.family = family();
  }

  static ImagePreprocessor read(Path path) {
    return new PreprocessorConfig(path).preprocessor();
  }

  private ImagePreprocessor preprocessor() {
    Resize resize = flag("do_resize", true) ? size() : new Keep();
    Optional<Size> crop =
        flag("do_center_crop", family.byEdge) ? Optional.of(cropSize()) : Optional.empty();
    crop.ifPresent(window -> requireRoom(resize, window));
    double scale = flag("do_rescale", true) ? number("rescale_factor", ChannelScaling.UNIT) : 1;
    boolean normalise = flag("do_normalize", true);
    double[] mean = normalise ? triple("image_mean", family.mean) : new double[] {0, 0, 0};
    double[] std = normalise ? triple("image_std", family.std) : new double[] {1, 1, 1};
    for (double deviation : std) {
      if (deviation == 0) {
        throw broken("image_std has a zero");
      }
    }
    return new ImagePreprocessor(
        resize, resampling(), crop, false, new ChannelScaling(scale, mean, std));
  }

  private JsonNode parse() {
    if (!Files.isRegularFile(path)) {
      throw broken("no such file");
    }
    try {
      if (Files.size(path) > MAX_BYTES) {
        throw broken("it is larger than a MiB");
      }
      JsonNode node = JSON.readTree(Files.readAllBytes(path));
      if (!node.isObject()) {
        throw broken("it is not a JSON object");
      }
      return node;
    } catch (JsonProcessingException e) {
      throw TuneQdmException.inputData(
          "Cannot read " + path + ": not valid JSON, " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read " + path + ": " + e.getMessage(), e);
    }
  }

  private Family family() {
    String type =
        json.path("image_processor_type")
            .asText(json.path("feature_extractor_type").asText(""))
            .replaceFirst("Fast$", "");
    return switch (type) {
      case "CLIPFeatureExtractor", "CLIPImageProcessor" -> Family.CLIP;
      case "BitImageProcessor" -> Family.BIT;
      case "ViTFeatureExtractor", "ViTImageProcessor" -> Family.VIT;
      default ->
          throw broken(
              "image processor \""
                  + type
                  + "\" is unknown (known: CLIPImageProcessor, BitImageProcessor,"
                  + " ViTImageProcessor and the older ...FeatureExtractor names)");
    };
  }

  private Resize size() {
    JsonNode size = json.path("size");
    if (isAbsent(size)) {
      return family.byEdge ? new ShorterEdge(224) : new Size(224, 224);
    }
    if (size.isObject() && size.has("shortest_edge") && size.size() == 1) {
      return new ShorterEdge(side(size.get("shortest_edge"), "size.shortest_edge"));
    }
    if (size.isObject()) {
      return both(size, "size");
    }
    int side = side(size, "size");
    return family.byEdge ? new ShorterEdge(side) : new Size(side, side);
  }

  private Size cropSize() {
    JsonNode size = json.path("crop_size");
    if (isAbsent(size)) {
      return new Size(224, 224);
    }
    if (size.isObject()) {
      return both(size, "crop_size");
    }
    int side = side(size, "crop_size");
    return new Size(side, side);
  }

  private Size both(JsonNode size, String key) {
    if (!size.has("width") || !size.has("height") || size.size() != 2) {
      throw broken(key + " is " + size + " (known: a number, shortest_edge, or height and width)");
    }
    return new Size(
        side(size.get("width"), key + ".width"), side(size.get("height"), key + ".height"));
  }

  private int side(JsonNode value, String key) {
    if (!value.isInt() || value.intValue() < 1 || value.intValue() > MAX_SIDE) {
      throw broken(key + " is " + value + ", not a number of pixels from 1 to " + MAX_SIDE);
    }
    return value.intValue();
  }

  private void requireRoom(Resize resize, Size crop) {
    int width = crop.width();
    int height = crop.height();
    if (resize instanceof ShorterEdge edge) {
      width = edge.length();
      height = edge.length();
    } else if (resize instanceof Size size) {
      width = size.width();
      height = size.height();
    } else {
      throw broken("a centre crop without a resize leaves no fixed size (set do_resize)");
    }
    if (crop.width() > width || crop.height() > height) {
      throw broken("crop_size is larger than size");
    }
  }

  private Resampling resampling() {
    JsonNode value = json.path("resample");
    if (isAbsent(value)) {
      return family.resampling;
    }
    return (value.isInt() ? Resampling.ofCode(value.intValue()) : Optional.<Resampling>empty())
        .orElseThrow(
            () ->
                broken(
                    "resample is "
                        + value
                        + " (known: 0 nearest, 1 lanczos, 2 bilinear, 3 bicubic, 4 box)"));
  }

  private boolean flag(String key, boolean otherwise) {
    JsonNode value = json.path(key);
    if (isAbsent(value)) {
      return otherwise;
    }
    if (!value.isBoolean()) {
      throw broken(key + " is " + value + ", not true or false");
    }
    return value.booleanValue();
  }

  private double number(String key, double otherwise) {
    JsonNode value = json.path(key);
    return isAbsent(value) ? otherwise : finite(value, key);
  }

  private double[] triple(String key, double[] otherwise) {
    JsonNode value = json.path(key);
    if (isAbsent(value)) {
      return otherwise;
    }
    if (!value.isArray() || value.size() != 3) {
      throw broken(key + " is " + value + ", not three numbers");
    }
    return new double[] {
      finite(value.get(0), key), finite(value.get(1), key), finite(value.get(2), key)
    };
  }

  private double finite(JsonNode value, String key) {
    if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
      throw broken(key + " holds " + value + ", not a number");
    }
    return value.doubleValue();
  }

  private static boolean isAbsent(JsonNode value) {
    return value.isMissingNode() || value.isNull();
  }

  private TuneQdmException broken(String why) {
    return TuneQdmException.inputData("Cannot read " + path + ": " + why);
  }
}
