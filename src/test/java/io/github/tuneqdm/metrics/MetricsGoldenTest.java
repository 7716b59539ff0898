package io.github.tuneqdm.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tuneqdm.GoldenTensors;
import java.util.Arrays;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Every number of the golden file, which numpy, scipy and torch computed in float64. */
class MetricsGoldenTest {
  private static final Offset<Double> TOLERANCE = within(1e-6);

  private final GoldenTensors golden = GoldenTensors.open("metrics.safetensors");
  private final JsonNode info = golden.info();
  private final float[][] generated = golden.floatRows("generated_embeds");
  private final float[][] real = golden.floatRows("real_embeds");
  private final float[][] a = golden.floatRows("features_a");
  private final float[][] b = golden.floatRows("features_b");

  @Test
  void cosinesOfAllPairs() {
    double[][] expected = golden.doubleRows("pairwise_cosine");
    double[][] cosines = Similarity.cosines(generated, real);
    assertThat(cosines).hasDimensions(8, 5);
    for (int g = 0; g < expected.length; g++) {
      assertThat(cosines[g]).containsExactly(expected[g], within(1e-6));
    }
  }

  @Test
  void imageToImageIsTheMeanOverAllPairs() {
    assertThat(Similarity.imageToImage(generated, real))
        .isCloseTo(number("image_similarity_mean_over_all_pairs"), TOLERANCE);
  }

  @Test
  void realPhotosAmongThemselves() {
    assertThat(Similarity.realAgainstReal(real))
        .isCloseTo(number("real_against_real_mean_off_diagonal"), TOLERANCE);
  }

  @Test
  void clipTextSimilarityAndScore() {
    float[][] texts = golden.floatRows("text_embeds");
    float[][] ownPrompts =
        Arrays.stream(golden.intRows("prompt_of_generated"))
            .map(prompt -> texts[prompt[0]])
            .toArray(float[][]::new);
    assertThat(Similarity.imageToText(generated, ownPrompts))
        .isCloseTo(number("clip_t_mean"), TOLERANCE);
    assertThat(Similarity.clipScore(generated, ownPrompts))
        .isCloseTo(number("clip_score_100_max0"), TOLERANCE);
  }

  @Test
  void frechetDistance() {
    assertThat(FrechetDistance.between(a, b)).isCloseTo(number("fid_eigenvalues"), TOLERANCE);
    assertThat(FrechetDistance.between(a, b)).isCloseTo(number("fid_sqrtm"), TOLERANCE);
    assertThat(FrechetDistance.between(a, a)).isCloseTo(0, TOLERANCE);
  }

  @Test
  void frechetDistanceOfSingularCovariances() {
    float[][] few = Arrays.copyOf(a, 10);
    float[][] fewMore = Arrays.copyOf(b, 12);
    assertThat(FrechetDistance.between(few, fewMore))
        .isCloseTo(number("fid_singular_eigenvalues"), TOLERANCE)
        .isCloseTo(number("fid_singular_sqrtm"), TOLERANCE);
  }

  @Test
  void kernelDistance() {
    assertThat(KernelDistance.between(a, b)).isCloseTo(number("kid_all_unbiased"), TOLERANCE);
    Spread spread =
        KernelDistance.overSubsets(
            a, b, golden.intRows("kid_subset_a"), golden.intRows("kid_subset_b"));
    assertThat(spread.mean()).isCloseTo(number("kid_mean"), TOLERANCE);
    assertThat(spread.populationDeviation()).isCloseTo(number("kid_std_population"), TOLERANCE);
    assertValues(spread, info.path("kid_subsets"));
  }

  @Test
  void inceptionScore() {
    float[][] logits = golden.floatRows("is_logits");
    assertThat(InceptionScore.of(logits, 1).mean())
        .isCloseTo(number("inception_score_1_split"), TOLERANCE);
    Spread three = InceptionScore.of(logits, 3);
    JsonNode expected = info.path("inception_score_3_splits");
    assertThat(three.mean()).isCloseTo(expected.path("mean").asDouble(), TOLERANCE);
    assertThat(three.populationDeviation())
        .isCloseTo(expected.path("std_population").asDouble(), TOLERANCE);
    assertThat(three.sampleDeviation())
        .isCloseTo(expected.path("std_sample").asDouble(), TOLERANCE);
    assertValues(three, expected.path("values"));
  }

  private double number(String name) {
    assertThat(info.path(name).isNumber()).as(name).isTrue();
    return info.path(name).asDouble();
  }

  private static void assertValues(Spread spread, JsonNode expected) {
    assertThat(spread.values()).hasSize(expected.size());
    for (int i = 0; i < expected.size(); i++) {
      assertThat(spread.values().get(i)).isCloseTo(expected.get(i).asDouble(), TOLERANCE);
    }
  }
}
