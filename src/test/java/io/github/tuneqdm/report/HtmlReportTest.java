package io.github.tuneqdm.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.ConfidenceInterval;
import io.github.tuneqdm.metrics.FurtherScores;
import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.ScoreTable;
import io.github.tuneqdm.metrics.Scores;
import io.github.tuneqdm.report.ReportData.Effort;
import io.github.tuneqdm.report.ReportData.FailedSubject;
import io.github.tuneqdm.report.ReportData.LeftOut;
import io.github.tuneqdm.report.ReportData.Picture;
import io.github.tuneqdm.report.ReportData.Progress;
import io.github.tuneqdm.report.ReportData.Sample;
import io.github.tuneqdm.report.ReportData.Setting;
import io.github.tuneqdm.report.ReportData.StepLoss;
import io.github.tuneqdm.report.ReportData.SubjectReport;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class HtmlReportTest {
  private static final String HOSTILE = "<script>alert('x')</script>\"&\u202e\u0007";

  @Test
  void showsEverySubjectsPhotosAndEveryPromptByMethod() {
    String page = page(DemoReport.withBaselines());
    // 4 subjects with 5 photos and 25 prompts x 3 methods x 2 seeds
    assertThat(page.split("<img loading=\"lazy\" width=\"160\" height=\"160\"", -1))
        .hasSize(4 * (5 + 150) + 1);
    assertThat(page)
        .contains("21 November 2026, 14:03 UTC")
        .contains("alt=\"Photo 5 of mug1\"")
        .contains("<tr><th scope=\"row\">a photo of a sks mug on green grass</th>")
        .contains("alt=\"TuneQDM, seed 1002\" src=\"thumbs/mug1/012-1002.png\"")
        .contains("<a class=\"p\" href=\"../images/mug1/01-1002.png\"")
        .contains("Training loss: running mean")
        .contains("sample with identifier, score CLIP-T without")
        .contains("3f".repeat(32));
  }

  @Test
  void showsTheSameSeedsAtTheSamePlacesOfEveryMethod() {
    String page = page(DemoReport.withBaselines());
    Matcher cells = Pattern.compile("<td data-m=\"([^\"]*)\">(.*?)</td>").matcher(page);
    List<String> methods = new ArrayList<>();
    List<List<String>> seeds = new ArrayList<>();
    while (cells.find() && methods.size() < 3) {
      methods.add(cells.group(1));
      seeds.add(
          Pattern.compile("seed (\\d+)")
              .matcher(cells.group(2))
              .results()
              .map(seed -> seed.group(1))
              .toList());
    }
    assertThat(methods).containsExactly(Methods.UNTUNED, Methods.QUANTISED_UNTUNED, Methods.TUNED);
    assertThat(seeds).allMatch(each -> each.equals(List.of("1000", "1001")));
  }

  @Test
  void weighsLessThanFiveMegabytesWithAllOfDreamBoothsProtocolAndBaselines() {
    assertThat(page(DemoReport.fullWithBaselines()).length()).isLessThan(5_000_000);
  }

  @Test
  void saysOfATradeoffWhichPointsNoOtherBeats() {
    Tradeoff tradeoff =
        new Tradeoff(
            "Quality and storage",
            "MB",
            "DINO",
            List.of(
                point("dear and bad", 9, 0.1),
                point("free", 0, 0.2),
                point("free and worse", 0, 0.1),
                point("good", 3, 0.5),
                point("dear and as good", 4, 0.5)));
    assertThat(tradeoff.frontier())
        .extracting(Tradeoff.Point::name)
        .containsExactly("free", "good");
    StringWriter out = new StringWriter();
    tradeoff.write(new Html(out));
    assertThat(out.toString())
        .contains("free</th>".replace("</th>", " <small>on the frontier</small></th>"))
        .contains("dear and bad</th><td class=\"number\">9</td><td class=\"number\">0.100</td>")
        .contains("0.050 to 0.150");
  }

  @Test
  void saysTheSameNumbersAsTheTerminal() {
    ReportData data = DemoReport.withBaselines();
    String page = page(data);
    for (ScoreTable.MethodMean mean : data.scores().methodMeans()) {
      assertThat(page).contains("<b>" + Scores.format(mean.scores().dino()) + "</b>");
      assertThat(data.scores().render()).contains(Scores.format(mean.scores().dino()));
    }
  }

  @Test
  void namesFailedSubjectsAndTheirCauses() {
    ReportData data = DemoReport.tunedOnlyWithAFailure();
    assertThat(page(data))
        .contains("<a class=\"failed\" href=\"#failures\">2 failed</a>")
        .contains("<dt>bottle1</dt><dd>Cannot read subjects/bottle1/03.jpg: 50000 x 50000");
  }

  @Test
  void namesRejectedPhotosAndTheirReasons() {
    assertThat(page(DemoReport.tunedOnlyWithAFailure()))
        .contains("<a href=\"#rejects\">1 photo rejected</a>")
        .contains(
            "<tr><th scope=\"row\">star1</th><td>IMG_2041.jpg</td><td>Cannot read"
                + " star1/IMG_2041.jpg: the file ends");
  }

  @Test
  void namesTheSlowestSubjects() {
    assertThat(page(DemoReport.withBaselines()))
        .containsPattern("<b>Slowest:</b> <a href=.* steps/s, ");
  }

  @Test
  void saysHowFarARunIsAndLoadsItselfAgainOnlyThen() {
    assertThat(page(DemoReport.live(Instant.parse("2026-11-21T15:00:00Z"))))
        .contains(
            "data-live=\"15\"",
            "<b>13</b> of 30 subjects are done or failed",
            "4 subjects, step 120 of 400")
        .contains("No images were scored yet.");
    assertThat(page(DemoReport.withBaselines()))
        .doesNotContain("data-live=\"", "http-equiv=\"refresh");
  }

  @Test
  void sameDataGivesTheSameBytesInEveryLocale() {
    String page = page(DemoReport.withBaselines());
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
      assertThat(page(DemoReport.withBaselines())).isEqualTo(page);
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void asksNothingOfTheNetwork() {
    String page = page(DemoReport.withBaselines());
    assertThat(page).doesNotContain("@import", "url(");
    Matcher source = Pattern.compile("(src|href)=\"([^\"]{0,20})").matcher(page);
    while (source.find()) {
      assertThat(source.group(2)).matches("(thumbs|\\.\\./images)/.*|#.*");
    }
  }

  @Test
  void escapesWhateverComesFromOutside() {
    ReportData demo = DemoReport.tunedOnlyWithAFailure();
    ScoreRow row = new ScoreRow(HOSTILE, HOSTILE, 0, HOSTILE, 7, HOSTILE, 0.1, 0.2, 0.3);
    Picture picture = new Picture(HOSTILE, Optional.of(HOSTILE), Optional.of(HOSTILE));
    Picture noPicture = new Picture(HOSTILE, Optional.empty(), Optional.empty());
    ConfidenceInterval interval = new ConfidenceInterval(0.1, 0, 0.2, 0.95);
    ReportData hostile =
        new ReportData(
            HOSTILE,
            demo.date(),
            List.of(new Setting(HOSTILE, HOSTILE)),
            ScoreTable.summarise(List.of(row)),
            new FurtherScores(List.of(HOSTILE), Map.of(HOSTILE, List.of(HOSTILE))),
            List.of(
                new Tradeoff(
                    HOSTILE, HOSTILE, HOSTILE, List.of(new Tradeoff.Point(HOSTILE, 1, interval)))),
            List.of(
                new SubjectReport(
                    HOSTILE,
                    HOSTILE,
                    List.of(picture, noPicture),
                    List.of(new LeftOut(HOSTILE, HOSTILE)),
                    List.of(new Sample(row, picture)),
                    List.of(),
                    Effort.UNKNOWN)),
            List.of(new FailedSubject(HOSTILE, HOSTILE)),
            demo.protocol(),
            Optional.of(new Progress(HOSTILE, 1, 2, HOSTILE, HOSTILE, demo.date(), List.of())));
    String page = page(hostile);
    assertThat(page)
        .contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;\uFFFD\uFFFD")
        .doesNotContain("<script>alert", "alert('x')", "\u202e", "\u0007");
    assertThat(page.split("<script", -1)).hasSize(3);
    assertThat(page).contains("cannot be shown");
  }

  @Test
  void allowsOnlyItsOwnStyleAndScript() {
    String page = page(DemoReport.tunedOnlyWithAFailure());
    assertThat(page)
        .containsPattern(
            "default-src 'none'; img-src 'self' file:;.* style-src 'sha256-.*'; script-src 'sha256-")
        .doesNotContain(" style=\"", " onclick=");
  }

  @Test
  void holdsUpWithoutSamplesLossesOrScores() {
    ReportData demo = DemoReport.withBaselines();
    ReportData empty =
        new ReportData(
            "empty",
            demo.date(),
            List.of(),
            ScoreTable.summarise(List.of()),
            FurtherScores.of(List.of()),
            List.of(),
            List.of(
                new SubjectReport(
                    "mug1",
                    "mug",
                    List.of(),
                    List.of(),
                    List.of(),
                    List.of(new StepLoss(1, Double.NaN)),
                    Effort.UNKNOWN)),
            List.of(),
            Optional.empty(),
            Optional.empty());
    assertThat(page(empty))
        .contains("No images were scored", "No samples yet.")
        .doesNotContain("<svg", "Training loss", "data-plot=\"", "id=\"protocol\"");
  }

  @Test
  void thinsLongTrainingsOut() {
    List<StepLoss> losses =
        IntStream.range(0, 100_000).mapToObj(i -> new StepLoss(i, 0.5)).toList();
    StringWriter out = new StringWriter();
    LossCurve.of(losses).orElseThrow().write(new Html(out));
    assertThat(out.toString()).hasSizeLessThan(8000).contains("at step 0, ", "at step 99999");
  }

  @Test
  void aFullDiskIsTheEnvironmentsFault() {
    OutputStream full =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("No space left on device");
          }
        };
    assertThatThrownBy(() -> HtmlReport.write(DemoReport.withBaselines(), full))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("Cannot write the report of run r-5c1e09ab47d2")
        .extracting(e -> ((TuneQdmException) e).exitCode())
        .isEqualTo(ExitCode.ENVIRONMENT);
  }

  private static Tradeoff.Point point(String name, double cost, double quality) {
    return new Tradeoff.Point(
        name, cost, new ConfidenceInterval(quality, quality - 0.05, quality + 0.05, 0.95));
  }

  private static String page(ReportData data) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    HtmlReport.write(data, out);
    return out.toString(StandardCharsets.UTF_8);
  }
}
