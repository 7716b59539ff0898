package io.github.tuneqdm.verify;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.FrechetDistance;
import io.github.tuneqdm.metrics.InceptionScore;
import io.github.tuneqdm.metrics.KernelDistance;
import io.github.tuneqdm.metrics.Similarity;
import io.github.tuneqdm.metrics.Spread;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Every number of {@code metrics.safetensors}, those in its info too. */
final class MetricsCheck {
  private static final double TOLERANCE = 1e-6;
  private static final Pattern FIRST_ROWS = Pattern.compile("\\[:(\\d+)\\].*\\[:(\\d+)\\]");

  /** The numbers of the info that have been compared. */
  private final Set<String> compared = new TreeSet<>();

  private final GoldenFile g;

  MetricsCheck(GoldenFile g) {
    this.g = g;
  }

  void check() {
    similarities();
    distances();
    inceptionScores();
    for (Iterator<String> names = g.info().fieldNames(); names.hasNext(); ) {
      String name = names.next();
      g.require(
          g.info().get(name).isTextual() || compared.contains(name),
          name + ": a number that nothing looked at");
    }
  }

  private void similarities() {
    float[][] generated = g.floatRows("generated_embeds");
    float[][] real = g.floatRows("real_embeds");
    float[][] texts = g.floatRows("text_embeds");
    float[][] own =
        Arrays.stream(g.longs("prompt_of_generated"))
            .mapToObj(prompt -> texts[Math.toIntExact(prompt)])
            .toArray(float[][]::new);
    double[] cosines =
        Arrays.stream(Similarity.cosines(generated, real))
            .flatMapToDouble(Arrays::stream)
            .toArray();
    g.within("pairwise_cosine", cosines, g.doubles("pairwise_cosine"), TOLERANCE);
    number("image_similarity_mean_over_all_pairs", Similarity.imageToImage(generated, real));
    number("real_against_real_mean_off_diagonal", Similarity.realAgainstReal(real));
    number("clip_t_mean", Similarity.imageToText(generated, own));
    number("clip_score_100_max0", Similarity.clipScore(generated, own));
  }

  private void distances() {
    float[][] a = g.floatRows("features_a");
    float[][] b = g.floatRows("features_b");
    double frechet = FrechetDistance.between(a, b);
    number("fid_eigenvalues", frechet);
    number("fid_sqrtm", frechet);
    number("fid_self", FrechetDistance.between(a, a));
    Matcher rows = FIRST_ROWS.matcher(g.setting("fid_singular").asText());
    if (!rows.find()) {
      throw TuneQdmException.inputData("fid_singular does not say which rows it is of");
    }
    double singular =
        FrechetDistance.between(
            Arrays.copyOf(a, Integer.parseInt(rows.group(1))),
            Arrays.copyOf(b, Integer.parseInt(rows.group(2))));
    number("fid_singular_eigenvalues", singular);
    number("fid_singular_sqrtm", singular);
    number("kid_all_unbiased", KernelDistance.between(a, b));
    Spread kid =
        KernelDistance.overSubsets(a, b, g.intRows("kid_subset_a"), g.intRows("kid_subset_b"));
    number("kid_mean", kid.mean());
    number("kid_std_population", kid.populationDeviation());
    compared.add("kid_subsets");
    values("kid_subsets", kid.values(), g.setting("kid_subsets"));
  }

  private void inceptionScores() {
    float[][] logits = g.floatRows("is_logits");
    number("inception_score_1_split", InceptionScore.of(logits, 1).mean());
    JsonNode expected = g.setting("inception_score_3_splits");
    compared.add("inception_score_3_splits");
    Spread three = InceptionScore.of(logits, 3);
    number("inception score mean", three.mean(), expected.path("mean"));
    number(
        "inception score deviation", three.populationDeviation(), expected.path("std_population"));
    number("inception score deviation", three.sampleDeviation(), expected.path("std_sample"));
    values("inception scores", three.values(), expected.path("values"));
  }

  private void number(String name, double actual) {
    compared.add(name);
    number(name, actual, g.setting(name));
  }

  private void values(String name, List<Double> actual, JsonNode expected) {
    g.equal(name + " count", actual.size(), expected.size());
    for (int i = 0; i < Math.min(actual.size(), expected.size()); i++) {
      number(name + "[" + i + "]", actual.get(i), expected.get(i));
    }
  }

  /** Large numbers are compared by their share, small ones as they stand. */
  private void number(String name, double actual, JsonNode expected) {
    double value = expected.asDouble(Double.NaN);
    g.within(name, actual, value, TOLERANCE * Math.max(1, Math.abs(value)));
  }
}
