package io.github.tuneqdm.bench;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.tensor.Precision;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What to measure, and how much of it.
 *
 * @param precisions each measured in turn
 * @param subjects sizes of a batch in subjects, each measured in turn
 * @param batches samples or pictures a subject, each measured in turn
 * @param size side of the pictures in pixels; 0 is the model's own
 * @param sampleSteps denoising steps a picture; 0 is as many as {@code effort} takes
 * @param threads of an operation on CPU
 * @param encoders folder with {@code dino} and {@code clip}; empty measures encoders of the real
 *     ones' sizes with random weights
 */
public record BenchSettings(
    BenchModel model,
    Device device,
    List<Precision> precisions,
    List<Integer> subjects,
    List<Integer> batches,
    int bits,
    int experts,
    MemoryMode mode,
    int size,
    int sampleSteps,
    Effort effort,
    int threads,
    Optional<Path> encoders) {

  /** Where to measure; {@code AUTO} takes a GPU where there is one. */
  public enum Device {
    AUTO,
    CPU,
    GPU;

    public static Device parse(String name) {
      return choose("use --device", name, values());
    }
  }

  /** Fixed amounts of work. */
  public enum Effort {
    FULL(10, 10, 3, 50, 256),
    QUICK(3, 3, 1, 4, 32);

    final int sections;
    final int stepsPerSection;
    final int warmUp;
    final int sampleSteps;
    final int pictures;

    /**
     * @param sections timed one by one; their median is reported
     * @param stepsPerSection training steps between waits for the device
     * @param warmUp sections before those
     * @param sampleSteps denoising steps of a picture
     * @param pictures scored in a section
     */
    Effort(int sections, int stepsPerSection, int warmUp, int sampleSteps, int pictures) {
      this.sections = sections;
      this.stepsPerSection = stepsPerSection;
      this.warmUp = warmUp;
      this.sampleSteps = sampleSteps;
      this.pictures = pictures;
    }

    /** Sections of work that takes long: a batch of pictures, a pass over all layers. */
    int longSections() {
      return Math.max(1, sections / 3);
    }
  }

  public BenchSettings {
    precisions = List.copyOf(precisions);
    subjects = positive("--subjects", subjects);
    batches = positive("--batch", batches);
    positive("--experts", List.of(experts));
    positive("--threads", List.of(threads));
    size = size == 0 ? model.size() : size;
    sampleSteps = sampleSteps == 0 ? effort.sampleSteps : sampleSteps;
    positive("--sample-steps", List.of(sampleSteps));
    quantizer(bits);
    if (size < 1 || size % model.downscale() != 0) {
      throw TuneQdmException.usage(
          "Cannot use --size %d: the VAE of %s needs a multiple of %d"
              .formatted(size, model.name(), model.downscale()));
    }
  }

  /** Parses {@code float32}, {@code float16}, ... */
  public static Precision precision(String name) {
    return choose("use --precision", name, Precision.values());
  }

  /** Parses {@code resident} or {@code packed}. */
  public static MemoryMode mode(String name) {
    return choose("use --mode", name, MemoryMode.values());
  }

  static <E extends Enum<E>> E choose(String verb, String name, E[] choices) {
    return Arrays.stream(choices)
        .filter(choice -> choice.name().equalsIgnoreCase(name))
        .findFirst()
        .orElseThrow(
            () ->
                TuneQdmException.usage(
                    "Cannot %s %s: choose %s"
                        .formatted(
                            verb,
                            name,
                            Arrays.stream(choices)
                                .map(BenchSettings::lowerCase)
                                .collect(Collectors.joining(" or ")))));
  }

  static String lowerCase(Enum<?> choice) {
    return choice.name().toLowerCase(Locale.ROOT);
  }

  private static List<Integer> positive(String option, List<Integer> values) {
    for (int value : values) {
      if (value < 1) {
        throw TuneQdmException.usage(
            "Cannot use %s %d: it must be at least 1".formatted(option, value));
      }
    }
    return List.copyOf(values);
  }

  /** Settings of a base with these bits. */
  QuantizerSettings quantizer() {
    return quantizer(bits);
  }

  private static QuantizerSettings quantizer(int bits) {
    return new QuantizerSettings(bits, false);
  }
}
