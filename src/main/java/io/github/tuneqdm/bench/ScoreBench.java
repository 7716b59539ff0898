package io.github.tuneqdm.bench;

import io.github.tuneqdm.image.ImagePreprocessor;
import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.image.PngEncoder;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.models.ClipModel;
import io.github.tuneqdm.models.DinoVisionTransformer;
import io.github.tuneqdm.models.Models;
import io.github.tuneqdm.scoring.PictureEncoders;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.PhiloxRandom;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Times DINO and CLIP on pictures, from the bytes of a PNG to embeddings on the host. */
final class ScoreBench implements AutoCloseable {
  private final Compute compute;
  private final BenchSettings settings;
  private final long baseline;
  private final long resident;
  private final PictureEncoders encoders;

  ScoreBench(Compute compute, BenchSettings settings) {
    this.compute = compute;
    this.settings = settings;
    this.baseline = DeviceMemory.baseline(compute);
    this.encoders = settings.encoders().map(this::stored).orElseGet(this::random);
    compute.emptyCache();
    this.resident = DeviceMemory.used(compute.device());
  }

  private PictureEncoders stored(Path folder) {
    Path dino = folder.resolve("dino");
    Path clip = folder.resolve("clip");
    return new PictureEncoders(
        compute,
        Models.dino(compute, dino),
        ImagePreprocessor.fromConfig(dino.resolve("preprocessor_config.json")),
        Models.clip(compute, clip),
        ImagePreprocessor.fromConfig(clip.resolve("preprocessor_config.json")));
  }

  /** ViT-S/16 and ViT-B/32; DINO's transform serves both, since CLIP's is the same work. */
  private PictureEncoders random() {
    return new PictureEncoders(
        compute,
        BenchModel.open(
            compute,
            BenchModel.resource("encoders/dino-vits16.json"),
            (config, builder) -> new DinoVisionTransformer(config, builder)),
        ImagePreprocessor.dino(),
        BenchModel.open(
            compute,
            BenchModel.resource("encoders/clip-vit-b32.json"),
            (config, builder) -> new ClipModel(config, builder)),
        ImagePreprocessor.dino());
  }

  BenchRow run() {
    int count = settings.effort().pictures;
    List<Supplier<RgbImage>> pictures = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      byte[] png = PngEncoder.encode(picture(i, settings.size()), Map.of());
      pictures.add(() -> ImageReader.read(png, "a picture", Long.MAX_VALUE));
    }
    try (DeviceMemory memory = DeviceMemory.watch(compute.device())) {
      Timings.Work section = () -> encoders.embed(pictures);
      section.run();
      Timings time = Timings.of(settings.effort().longSections(), 1, section);
      return new BenchRow(
          "score",
          0,
          count,
          0,
          "",
          BenchSettings.lowerCase(compute.precision()),
          time,
          memory.above(baseline, resident),
          0,
          Map.of("images", time.perSecond(count)));
    }
  }

  /** Coloured waves with a little noise: about as hard to unpack as a photo. */
  static RgbImage picture(int number, int side) {
    byte[] rgb = new byte[3 * side * side];
    PhiloxRandom.Draws random = PhiloxRandom.of(1, "bench/picture", number).draws();
    for (int y = 0, i = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        for (int c = 0; c < 3; c++, i++) {
          double wave = Math.sin((x + 2 * c * y) * 7.0 / side + number);
          rgb[i] = (byte) (128 + 100 * wave + random.below(16));
        }
      }
    }
    return new RgbImage(side, side, rgb);
  }

  @Override
  public void close() {
    encoders.close();
    compute.emptyCache();
  }
}
