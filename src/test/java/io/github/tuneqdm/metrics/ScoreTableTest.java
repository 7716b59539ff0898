package io.github.tuneqdm.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tuneqdm.error.TuneQdmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ScoreTableTest {
  @Test
  void averagesPromptsThenSubjectsThenAll() {
    ScoreTable table =
        ScoreTable.summarise(
            List.of(
                row("mug1", Methods.TUNED, 0, 1, 0.0),
                row("mug1", Methods.TUNED, 0, 2, 0.2),
                row("mug1", Methods.TUNED, 0, 3, 0.4), // prompt 0: 0.2 over three images
                row("mug1", Methods.TUNED, 1, 1, 0.6), // prompt 1: 0.6; the subject: 0.4
                row("ball1", Methods.TUNED, 0, 1, 0.8)));
    assertThat(table.scores("mug1", Methods.TUNED).orElseThrow().dino())
        .isCloseTo(0.4, within(1e-15));
    assertThat(table.methodMeans()).hasSize(1);
    assertThat(table.methodMeans().get(0).scores().dino()).isCloseTo(0.6, within(1e-15));
    assertThat(table.methodMeans().get(0).images()).isEqualTo(5);
    assertThat(table.scores("ball1", Methods.UNTUNED)).isEmpty();
  }

  @Test
  void doesNotDependOnTheOrderOfRows() {
    List<ScoreRow> rows = rows();
    ScoreTable table = ScoreTable.summarise(rows);
    for (int seed = 0; seed < 5; seed++) {
      List<ScoreRow> shuffled = new ArrayList<>(rows);
      Collections.shuffle(shuffled, new Random(seed));
      assertThat(ScoreTable.summarise(shuffled)).isEqualTo(table);
    }
  }

  @Test
  void rendersASubjectALineAndARowAMethod() {
    assertThat(ScoreTable.summarise(rows()).render())
        .isEqualTo(
            """
                         un-tuned               quantised un-tuned     TuneQDM
            subject        DINO CLIP-I CLIP-T     DINO CLIP-I CLIP-T     DINO CLIP-I CLIP-T
            ball1         0.025  0.525  0.625    0.035  0.535  0.635    0.225  0.725  0.825
            mushroom12   -0.075  0.425  0.525   -0.065  0.435  0.535    0.125  0.625  0.725
            star1             -      -      -        -      -      -    0.000  0.500  0.600

            method              subjects  images    DINO CLIP-I CLIP-T
            un-tuned                   2       4  -0.025  0.475  0.575
            quantised un-tuned         2       4  -0.015  0.485  0.585
            TuneQDM                    3       5   0.117  0.617  0.717
            """);
  }

  @Test
  void keepsColumnsUnderLongAndHostileNames() {
    String render =
        ScoreTable.summarise(
                List.of(
                    row("a", "a method with quite a long name", 0, 1, 0.1),
                    row("\u001b[2Jb", Methods.TUNED, 0, 1, 0.1)))
            .render();
    assertThat(render).doesNotContain("\u001b").contains("?[2Jb");
    String[] lines = render.split("\n");
    assertThat(lines[0].indexOf("a method") + "a method with quite a long name".length())
        .isEqualTo(lines[1].lastIndexOf("CLIP-T") + "CLIP-T".length());
  }

  @Test
  void saysThatThereIsNothing() {
    assertThat(ScoreTable.summarise(List.of()).render()).isEqualTo("No images were scored.\n");
  }

  @Test
  void intervalsHoldTheMean() {
    ScoreTable table = ScoreTable.summarise(rows());
    ConfidenceInterval interval = table.interval(Methods.TUNED, Metric.DINO);
    assertThat(interval.mean()).isEqualTo(table.methodMeans().get(2).scores().dino());
    assertThat(interval.low()).isLessThan(interval.mean());
    assertThat(interval.high()).isGreaterThan(interval.mean());
  }

  @Test
  void refusesRepeatedImagesAndScoresThatAreNoNumbers() {
    ScoreRow row = row("mug1", Methods.TUNED, 0, 1, 0.1);
    assertThatThrownBy(() -> ScoreTable.summarise(List.of(row, row)))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("image images/mug1/0-1.png of mug1 is there twice");
    assertThatThrownBy(
            () -> ScoreTable.summarise(List.of(row("mug1", Methods.TUNED, 0, 1, Double.NaN))))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("DINO of image images/mug1/0-1.png of mug1 is NaN");
  }

  private static List<ScoreRow> rows() {
    List<ScoreRow> rows = new ArrayList<>();
    List<String> methods = List.of(Methods.TUNED, Methods.UNTUNED, Methods.QUANTISED_UNTUNED);
    double[] base = {0.2, 0.0, 0.01};
    for (int m = 0; m < methods.size(); m++) {
      for (int prompt = 0; prompt < 2; prompt++) {
        rows.add(row("mushroom12", methods.get(m), prompt, 1, base[m] - 0.1 + 0.05 * prompt));
        rows.add(row("ball1", methods.get(m), prompt, 1, base[m] + 0.05 * prompt));
      }
    }
    rows.add(row("star1", Methods.TUNED, 0, 1, -0.0001));
    return rows;
  }

  private static ScoreRow row(String subject, String method, int prompt, long seed, double dino) {
    String path = "images/%s/%d-%d.png".formatted(subject, prompt, seed);
    return new ScoreRow(
        subject, method, prompt, "a prompt", seed, path, dino, dino + 0.5, dino + 0.6);
  }
}
