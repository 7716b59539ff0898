package io.github.tuneqdm.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.ToyWorld;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.metrics.Similarity;
import io.github.tuneqdm.tensor.Compute;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class ImageScorerTest {

  @Test
  void encodersTellSubjectsAndTextsApart() {
    try (Compute compute = Compute.cpu(2);
        ImageScorer scorer =
            new ImageScorer(
                compute, ToyWorld.ROOT.resolve("dino"), ToyWorld.ROOT.resolve("clip"))) {
      List<RgbImage> mugs = ToyWorld.photos("mug");
      List<RgbImage> cars = ToyWorld.photos("car");

      float[][] mug = scorer.dino(mugs);
      float[][] car = scorer.dino(cars);
      assertThat(Similarity.realAgainstReal(mug)).isGreaterThan(0.4);
      assertThat(Similarity.imageToImage(car, mug)).isLessThan(0.3);

      float[][] pictures = scorer.clipImage(List.of(mugs.get(0), cars.get(0)));
      float[][] texts = scorer.clipText(List.of("a photo of a mug", "a photo of a car"));
      double[][] cosines = Similarity.cosines(pictures, texts);
      assertThat(cosines[0][0]).isGreaterThan(cosines[0][1]);
      assertThat(cosines[1][1]).isGreaterThan(cosines[1][0]);
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
