package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import io.github.tuneqdm.ToyWorld;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.image.TensorFlowResize;
import io.github.tuneqdm.metrics.FrechetDistance;
import io.github.tuneqdm.metrics.InceptionScore;
import io.github.tuneqdm.metrics.KernelDistance;
import io.github.tuneqdm.metrics.SetScore;
import io.github.tuneqdm.metrics.Similarity;
import io.github.tuneqdm.scoring.ImageScorer;
import io.github.tuneqdm.scoring.PictureEncoders;
import io.github.tuneqdm.spark.ScoreImagesJob.Result;
import io.github.tuneqdm.storage.ParquetTable;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.StandInNetwork;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScoreImagesJobTest {
  private static final Path SUBJECTS = ToyWorld.ROOT.resolve("subjects").toAbsolutePath();
  private static final Path MUGS = SUBJECTS.resolve("mug1");
  private static final Path CARS = SUBJECTS.resolve("car1");

  private static SparkTests.Master master;
  private static TuneQdmConfig config;
  private static OnDemandSpark spark;

  @TempDir Path folder;

  @BeforeAll
  static void start(@TempDir Path storage) {
    master = SparkTests.Master.local();
    config = SparkTests.config(storage, Map.of());
    spark = new OnDemandSpark("test", config);
  }

  @AfterAll
  static void stop() {
    spark.close();
    master.close();
  }

  @Test
  void picturesAreScoredAsTheEncodersSeeThemAndTablesWritten() throws IOException {
    Path images = Files.createDirectories(folder.resolve("images/more"));
    Files.copy(CARS.resolve("0.png"), images.resolve("b.png"));
    Files.copy(MUGS.resolve("0.png"), images.resolveSibling("z.png"));
    Files.copy(MUGS.resolve("1.png"), images.resolveSibling(".hidden.png"));
    Files.writeString(images.resolve("notes.txt"), "no picture");
    Path prompts = folder.resolve("prompts.csv");
    Files.writeString(prompts, "file,prompt\nz.png,a photo of a mug\nmore/b.png,\"a car, red\"\n");
    Path out = folder.resolve("out");

    Result result = score(request(folder.resolve("images"), MUGS, prompts, null, null, out));

    assertThat(result.pictures())
        .extracting(PictureScore::file, PictureScore::prompt)
        .containsExactly(tuple("more/b.png", "a car, red"), tuple("z.png", "a photo of a mug"));
    try (Compute compute = Compute.cpu(2);
        ImageScorer scorer = scorer(compute)) {
      PictureEncoders.Features real = scorer.pictures(read(ToyWorld.photos("mug")));
      PictureEncoders.Features made =
          scorer.pictures(
              read(List.of(ToyWorld.photos("car").get(0), ToyWorld.photos("mug").get(0))));
      double[] dino = Similarity.imageToImageEach(made.dino(), real.dino());
      double[] clipI = Similarity.imageToImageEach(made.clip(), real.clip());
      double[] clipT =
          Similarity.imageToTextEach(
              made.clip(), scorer.clipText(List.of("a car, red", "a photo of a mug")));
      for (int i = 0; i < 2; i++) {
        PictureScore picture = result.pictures().get(i);
        assertThat(picture.dino()).isCloseTo(dino[i], within(1e-6));
        assertThat(picture.clipI()).isCloseTo(clipI[i], within(1e-6));
        assertThat(picture.clipT()).isCloseTo(clipT[i], within(1e-6));
      }
      assertThat(value(result, "DINO")).isCloseTo((dino[0] + dino[1]) / 2, within(1e-6));
      assertThat(value(result, "real DINO"))
          .isCloseTo(Similarity.realAgainstReal(real.dino()), within(1e-6));
    }
    assertThat(ParquetTable.of(PictureScore.class).read(out.resolve("pictures.parquet")))
        .isEqualTo(result.pictures());
    assertThat(ParquetTable.of(SetScore.class).read(out.resolve("sets.parquet")))
        .isEqualTo(result.sets());
  }

  @Test
  void distancesAreThoseOfTheFeatures() throws IOException {
    Path inception = StandInNetwork.inception(folder.resolve("inception.pt"));

    Result result = score(request(CARS, null, null, MUGS, inception, null));

    assertThat(result.sets())
        .extracting(SetScore::name)
        .containsExactly("FD-DINO", "KD-DINO", "FD-CLIP", "KD-CLIP", "FID", "KID", "IS");
    try (Compute compute = Compute.cpu(2);
        ImageScorer scorer = scorer(compute)) {
      PictureEncoders.Features cars = scorer.pictures(read(ToyWorld.photos("car")));
      PictureEncoders.Features mugs = scorer.pictures(read(ToyWorld.photos("mug")));
      assertThat(value(result, "FD-DINO"))
          .isCloseTo(FrechetDistance.between(cars.dino(), mugs.dino()), within(1e-6));
      assertThat(value(result, "KD-CLIP"))
          .isCloseTo(KernelDistance.between(cars.clip(), mugs.clip()), within(1e-6));
    }
    float[][] cars = standIn("car");
    float[][] mugs = standIn("mug");
    assertThat(value(result, "FID"))
        .isCloseTo(FrechetDistance.between(cars, mugs), within(1e-4))
        .isPositive();
    assertThat(value(result, "KID")).isCloseTo(KernelDistance.between(cars, mugs), within(1e-4));
    float[][] logits = new float[cars.length][3];
    for (int n = 0; n < logits.length; n++) {
      for (int c = 0; c < 3; c++) {
        logits[n][c] = 2 * cars[n][c];
      }
    }
    // Of five pictures each is a split of its own, whose score is 1.
    assertThat(value(result, "IS"))
        .isCloseTo(InceptionScore.of(logits, logits.length).mean(), within(1e-6));
  }

  /** What {@link StandInNetwork#inception} computes, in Java. */
  private static float[][] standIn(String noun) {
    return ToyWorld.photos(noun).stream()
        .map(
            photo -> {
              float[] pixels = TensorFlowResize.square(photo, 299);
              float[] features = new float[6];
              for (int c = 0; c < 3; c++) {
                double sum = 0;
                for (int i = 0; i < 299 * 299; i++) {
                  sum += (pixels[c * 299 * 299 + i] - 128) / 128;
                }
                features[c] = (float) (sum / (299 * 299));
                features[3 + c] = (pixels[c * 299 * 299] - 128) / 128;
              }
              return features;
            })
        .toArray(float[][]::new);
  }

  @Test
  void whatCannotBeScoredIsSaidInOneMessage() throws IOException {
    Path half = StandInNetwork.half(folder.resolve("half.pt"));
    assertRefused(request(CARS, null, null, null, half, null))
        .hasMessageContaining("as Inception: from 16 pictures its forward makes (16, 3), where");
    Path text = Files.writeString(folder.resolve("text.pt"), "no network");
    assertRefused(request(CARS, null, null, null, text, null))
        .hasMessageContaining("PyTorch does not take it for TorchScript");
    assertRefused(request(CARS, null, null, null, folder.resolve("none.pt"), null))
        .hasMessageContaining("there is no such file (--inception)");
    assertRefused(request(folder.resolve("none"), MUGS, null, null, null, null))
        .hasMessageContaining("there is no such folder (--images)");
    Path empty = Files.createDirectory(folder.resolve("empty"));
    assertRefused(request(CARS, empty, null, null, null, null))
        .hasMessageContaining("Cannot find a picture in " + empty + " (--photos)");
    Path prompts = Files.writeString(folder.resolve("p.csv"), "file,prompt\n0.png,a car\n");
    assertRefused(request(CARS, null, prompts, null, null, null))
        .hasMessageContaining("has no prompt for it (add a line 1.png,...)");
    Files.writeString(prompts, "a car\n");
    assertRefused(request(CARS, null, prompts, null, null, null))
        .hasMessageContaining("its first line must be file,prompt");
    Path damaged = Files.createDirectory(folder.resolve("damaged"));
    Files.writeString(damaged.resolve("a.png"), "no picture");
    assertRefused(request(damaged, MUGS, null, null, null, null)).hasMessageContaining("a.png");
    assertThatThrownBy(() -> request(CARS, null, null, null, null, null))
        .hasMessageStartingWith("Cannot score " + CARS + " against nothing");
  }

  private AbstractThrowableAssert<?, ?> assertRefused(ScoreImagesRequest request) {
    return assertThatThrownBy(() -> score(request))
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.INPUT_DATA));
  }

  private static ScoreImagesRequest request(
      Path images, Path photos, Path prompts, Path reference, Path inception, Path out) {
    return new ScoreImagesRequest(
        images.toString(),
        text(photos),
        Optional.empty(),
        text(prompts),
        text(reference),
        text(inception),
        text(out));
  }

  private static Optional<String> text(Path path) {
    return Optional.ofNullable(path).map(Path::toString);
  }

  private static Result score(ScoreImagesRequest request) {
    return new ScoreImagesJob(config, spark, SparkTests.nowhere()).run(request);
  }

  private static double value(Result result, String name) {
    return result.sets().stream()
        .filter(set -> set.name().equals(name))
        .findFirst()
        .orElseThrow()
        .value();
  }

  private static ImageScorer scorer(Compute compute) {
    return new ImageScorer(compute, ToyWorld.ROOT.resolve("dino"), ToyWorld.ROOT.resolve("clip"));
  }

  private static List<Supplier<RgbImage>> read(List<RgbImage> pictures) {
    return pictures.stream().map(picture -> (Supplier<RgbImage>) () -> picture).toList();
  }
}
