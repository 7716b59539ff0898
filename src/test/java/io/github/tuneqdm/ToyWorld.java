package io.github.tuneqdm;

import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.models.LrWeights;
import io.github.tuneqdm.models.Parametrization;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.quant.QuantizedWeight;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.quant.WeightQuantizer;
import io.github.tuneqdm.storage.ModelWeights;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tuning.AdamWSettings;
import io.github.tuneqdm.tuning.LearningRateSchedule;
import io.github.tuneqdm.tuning.Subject;
import io.github.tuneqdm.tuning.SubjectTuner;
import io.github.tuneqdm.tuning.TuningSettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The embedded demo, as tests use it. */
public final class ToyWorld {
  public static final Path ROOT = Path.of("src/demo/toyworld");

  private ToyWorld() {}

  public static PipelineFolder base() {
    return new PipelineFolder(ROOT.resolve("base"));
  }

  /** The base's UNet at four bits. */
  public static TunableUNet fourBits(Compute compute) {
    return quantized(compute, 4, MemoryMode.RESIDENT);
  }

  /** The base's UNet at four bits, for tuning. */
  public static SubjectTuner.Network network(Compute compute) {
    return new SubjectTuner.Network(4, Optional.empty(), mode -> quantized(compute, 4, mode));
  }

  /** The base's UNet over integers of so many bits. */
  public static TunableUNet quantized(Compute compute, int bits, MemoryMode mode) {
    QuantizerSettings settings = new QuantizerSettings(bits, false);
    Map<String, QuantizedWeight> layers = new HashMap<>();
    try (TensorSource weights = ModelWeights.open(base().unet())) {
      for (String name : weights.names()) {
        if (name.endsWith(".weight") && weights.shape(name).length >= 2) {
          String layer = name.substring(0, name.length() - ".weight".length());
          float[] values = weights.tensor(name).toFloats();
          layers.put(layer, WeightQuantizer.quantize(layer, values, weights.shape(name), settings));
        }
      }
      return TunableUNet.open(
          compute, base().unetConfig(), layers.keySet(), layers::get, weights, mode);
    }
  }

  /** {@code ball} for the subject {@code ball1}, and so on. */
  public static Subject subject(String noun) {
    return new Subject(
        noun + "1", "a photo of a sks " + noun, photos(noun), "a photo of a " + noun, List.of());
  }

  public static List<RgbImage> photos(String noun) {
    List<RgbImage> photos = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      photos.add(ImageReader.read(ROOT.resolve("subjects/" + noun + "1/" + i + ".png"), 1_000_000));
    }
    return photos;
  }

  /** The demo's recipe, but for the number of steps and of images a step. */
  public static TuningSettings recipe(int steps, int batchSize, int gradientAccumulation) {
    return new TuningSettings(
        4,
        true,
        Parametrization.ABSOLUTE,
        LrWeights.EQUAL,
        steps,
        batchSize,
        gradientAccumulation,
        1e-4,
        LearningRateSchedule.CONSTANT,
        0,
        AdamWSettings.REFERENCE,
        0,
        0,
        64,
        false,
        1,
        42);
  }
}
