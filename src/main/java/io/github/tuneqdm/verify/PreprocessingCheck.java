package io.github.tuneqdm.verify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.ImagePreprocessor;
import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.image.PillowResize;
import io.github.tuneqdm.image.Resampling;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.image.TrainingTransform;
import java.io.IOException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** From a JPEG file to what encoders and training see: equal byte for byte before normalisation. */
final class PreprocessingCheck {
  private static final long MAX_PIXELS = 64_000_000;
  private static final double TOLERANCE = 1e-6;
  private static final Pattern SMALL = Pattern.compile("small\\.\\w+_(\\d+)x(\\d+)\\.(\\w+)");
  private static final Pattern PIXELS =
      Pattern.compile("(\\w+)\\.pixel_values(?:_rows_(\\d+)_(\\d+))?");
  private static final Pattern CROP =
      Pattern.compile("(\\w+)\\.(?:cropped|resized)(?:_rows_(\\d+)_(\\d+))?");
  private static final Pattern TRAINING = Pattern.compile("train(\\d+)");

  private final GoldenFolder folder;

  PreprocessingCheck(GoldenFolder folder) {
    this.folder = folder;
  }

  /** A picture as bytes, and as the network takes it (3, H, W). */
  private record Prepared(RgbImage image, float[] pixels) {}

  void check(GoldenFile g) {
    RgbImage photo =
        folder.read(g.setting("photo").asText(), path -> ImageReader.read(path, MAX_PIXELS));
    same(g, "decoded_rgb", photo, -1, -1);
    size(g, "size_wh", photo, g.setting("size_wh"));
    for (String name : g.names()) {
      Matcher small = SMALL.matcher(name);
      Matcher crop = CROP.matcher(name);
      Matcher pixels = PIXELS.matcher(name);
      if (small.matches()) {
        resized(g, name, small);
      } else if (crop.matches()) {
        Prepared prepared = prepare(g, crop.group(1), photo);
        same(g, name, prepared.image(), bound(crop.group(2)), bound(crop.group(3)));
        stated(g, crop.group(1), photo, prepared);
      } else if (pixels.matches()) {
        Prepared prepared = prepare(g, pixels.group(1), photo);
        rows(g, name, prepared, bound(pixels.group(2)), bound(pixels.group(3)));
      }
    }
  }

  private static int bound(String text) {
    return text == null ? -1 : Integer.parseInt(text);
  }

  private static void resized(GoldenFile g, String name, Matcher to) {
    Resampling filter = Resampling.valueOf(to.group(3).toUpperCase(Locale.ROOT));
    int width = Integer.parseInt(to.group(1));
    int height = Integer.parseInt(to.group(2));
    same(g, name, PillowResize.resize(g.image("small.rgb"), width, height, filter), -1, -1);
  }

  /** The pictures that the file's groups are named by. */
  private static Prepared prepare(GoldenFile g, String group, RgbImage photo) {
    Matcher training = TRAINING.matcher(group);
    if (training.matches()) {
      TrainingTransform transform = new TrainingTransform(Integer.parseInt(training.group(1)));
      RgbImage crop = transform.centreCrop(transform.resize(photo));
      return new Prepared(crop, transform.pixelValues(crop));
    }
    ImagePreprocessor preprocessor =
        switch (group) {
          case "dino" -> ImagePreprocessor.dino();
          case "clip" -> configured("CLIPFeatureExtractor", g.setting(group));
          case "vit" -> configured("ViTFeatureExtractor", g.setting(group));
          default -> throw TuneQdmException.inputData("no preprocessing is called " + group);
        };
    return new Prepared(preprocessor.crop(photo), preprocessor.pixelValues(photo));
  }

  /** Through a preprocessor_config.json, as a model folder would have it. */
  private static ImagePreprocessor configured(String type, JsonNode info) {
    ObjectNode config = new ObjectMapper().createObjectNode();
    config.put("feature_extractor_type", type);
    config.put("size", 224);
    config.set("image_mean", info.get("mean"));
    config.set("image_std", info.get("std"));
    try (TemporaryFolder scratch = new TemporaryFolder()) {
      return ImagePreprocessor.fromConfig(
          scratch.write("preprocessor_config.json", config.toString()));
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot write a temporary file: " + e, e);
    }
  }

  /** Sizes and offsets that the info states, where it does. */
  private static void stated(GoldenFile g, String group, RgbImage photo, Prepared prepared) {
    JsonNode info = g.setting(group);
    JsonNode corner = info.path("crop_left_top");
    JsonNode size = info.path("resized_wh");
    String filter = info.path("resize").asText().split("\\W")[0].toUpperCase(Locale.ROOT);
    if (corner.size() == 2 && size.size() == 2) {
      RgbImage resized =
          PillowResize.resize(
              photo, size.get(0).asInt(), size.get(1).asInt(), Resampling.valueOf(filter));
      RgbImage crop = prepared.image();
      int left = corner.get(0).asInt();
      int top = corner.get(1).asInt();
      g.equal(
          group + ".crop_left_top",
          crop.rgb(),
          resized.crop(left, top, crop.width(), crop.height()).rgb());
    }
    if (info.has("pixel_values_mean")) {
      double sum = 0;
      for (float v : prepared.pixels()) {
        sum += v;
      }
      g.within(
          group + ".pixel_values_mean",
          sum / prepared.pixels().length,
          info.get("pixel_values_mean").asDouble(),
          TOLERANCE);
    }
  }

  private static void size(GoldenFile g, String what, RgbImage image, JsonNode expected) {
    g.equal(
        what,
        image.width() + "," + image.height(),
        expected.path(0).asInt() + "," + expected.path(1).asInt());
  }

  /** The whole picture, or the rows {@code from} to {@code to} of it. */
  private static void same(GoldenFile g, String name, RgbImage image, int from, int to) {
    RgbImage part = from < 0 ? image : image.crop(0, from, image.width(), to - from);
    RgbImage expected = g.image(name);
    g.equal(name + " width", part.width(), expected.width());
    g.equal(name, part.rgb(), expected.rgb());
  }

  private static void rows(GoldenFile g, String name, Prepared prepared, int from, int to) {
    int width = prepared.image().width();
    int height = prepared.image().height();
    int first = Math.max(0, from);
    int count = from < 0 ? height : to - from;
    double[] part = new double[3 * count * width];
    for (int i = 0; i < part.length; i++) {
      int channel = i / (count * width);
      part[i] = prepared.pixels()[(channel * height + first) * width + i % (count * width)];
    }
    g.within(name, part, g.doubles(name), TOLERANCE);
  }
}
