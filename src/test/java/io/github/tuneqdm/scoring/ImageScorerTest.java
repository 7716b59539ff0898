package io.github.tuneqdm.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.ToyWorld;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.metrics.Similarity;
import io.github.tuneqdm.tensor.Compute;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class ImageScorerTest {

  @Test
  void encodersTellSubjectsAndTextsApart() {
    try (Compute compute = Compute.cpu(2);
        ImageScorer scorer =
            new ImageScorer(
                compute, ToyWorld.ROOT.resolve("dino"), ToyWorld.ROOT.resolve("clip"))) {
      PictureEncoders.Features mugs = scorer.pictures(photos("mug"));
      PictureEncoders.Features cars = scorer.pictures(photos("car"));

      float[][] mug = mugs.dino();
      float[][] car = cars.dino();
      assertThat(Similarity.realAgainstReal(mug)).isGreaterThan(0.4);
      assertThat(Similarity.imageToImage(car, mug)).isLessThan(0.3);

      float[][] pictures = {mugs.clip()[0], cars.clip()[0]};
      float[][] texts = scorer.clipText(List.of("a photo of a mug", "a photo of a car"));
      double[][] cosines = Similarity.cosines(pictures, texts);
      assertThat(cosines[0][0]).isGreaterThan(cosines[0][1]);
      assertThat(cosines[1][1]).isGreaterThan(cosines[1][0]);
    }
  }

  private static List<Supplier<RgbImage>> photos(String noun) {
    List<Supplier<RgbImage>> photos = new ArrayList<>();
    ToyWorld.photos(noun).forEach(photo -> photos.add(() -> photo));
    return photos;
  }

  @Test
  void aPictureThatCannotBeReadIsThatFailure() {
    TuneQdmException damaged = TuneQdmException.inputData("Cannot read 7.png: it is damaged");
    List<Supplier<RgbImage>> pictures = new ArrayList<>(photos("mug"));
    pictures.add(
        () -> {
          throw damaged;
        });
    try (Compute compute = Compute.cpu(2);
        ImageScorer scorer =
            new ImageScorer(
                compute, ToyWorld.ROOT.resolve("dino"), ToyWorld.ROOT.resolve("clip"))) {
      assertThatThrownBy(() -> scorer.pictures(pictures)).isSameAs(damaged);
    }
  }

  @Test
  void aMissingEncoderIsNamedWithItsKey() {
    try (Compute compute = Compute.cpu(1)) {
      assertThatThrownBy(
              () -> new ImageScorer(compute, Path.of("no/dino"), ToyWorld.ROOT.resolve("clip")))
          .isInstanceOf(TuneQdmException.class)
          .hasMessageContaining("no/dino")
          .hasMessageContaining("tuneqdm.model.dino");
    }
  }
}
