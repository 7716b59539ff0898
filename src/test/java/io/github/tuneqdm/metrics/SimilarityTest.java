package io.github.tuneqdm.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tuneqdm.error.TuneQdmException;
import org.junit.jupiter.api.Test;

class SimilarityTest {
  private static final float[][] ONE = {{1, 0}};

  @Test
  void theMeanOfEachImagesScoreIsTheScore() {
    float[][] generated = {{1, 0}, {0, 2}};
    float[][] real = {{3, 0}, {1, 0}, {0, 1}};
    assertThat(Similarity.imageToImageEach(generated, real)).containsExactly(2 / 3.0, 1 / 3.0);
    assertThat(Similarity.imageToImage(generated, real)).isEqualTo(0.5);
  }

  @Test
  void clipScoreCutsOffNegativeCosines() {
    float[][] images = {{1, 0}, {1, 0}};
    float[][] texts = {{-1, 0}, {1, 0}};
    assertThat(Similarity.imageToText(images, texts)).isZero();
    assertThat(Similarity.clipScore(images, texts)).isEqualTo(50);
  }

  @Test
  void refusesWhatHasNoScore() {
    assertThatThrownBy(() -> Similarity.imageToImage(ONE, new float[0][]))
        .isInstanceOf(TuneQdmException.class)
        .hasMessage("Cannot score: there are no real photos");
    assertThatThrownBy(() -> Similarity.imageToImage(new float[][] {{1, Float.NaN}}, ONE))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("number 0 of the generated images has an embedding that holds NaN");
    assertThatThrownBy(() -> Similarity.imageToImage(ONE, new float[][] {{0, 0}}))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("number 0 of the real photos has an embedding of zeros");
    assertThatThrownBy(() -> Similarity.realAgainstReal(ONE))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("at least two are needed");
    assertThatThrownBy(() -> Similarity.imageToText(ONE, new float[][] {{1, 2, 3}}))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void picturesThatAreAlikeHaveNoDiversity() {
    float[][] same = {{1, 2}, {2, 4}, {3, 6}};
    float[][] across = {{1, 0}, {0, 1}};
    float[][] opposite = {{1, 0}, {0, 1}, {-1, 0}};

    assertThat(Similarity.diversity(same)).isCloseTo(0, within(1e-12));
    assertThat(Similarity.diversity(across)).isEqualTo(1);
    assertThat(Similarity.diversity(opposite)).isCloseTo(1 + 1.0 / 3, within(1e-12));
    assertThatThrownBy(() -> Similarity.diversity(new float[][] {{1, 0}}))
        .hasMessageContaining("at least two are needed");
  }
}
