package io.github.tuneqdm.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.ScoreTable;
import io.github.tuneqdm.metrics.Scores;
import io.github.tuneqdm.report.ReportData.FailedSubject;
import io.github.tuneqdm.report.ReportData.LeftOut;
import io.github.tuneqdm.report.ReportData.Picture;
import io.github.tuneqdm.report.ReportData.Sample;
import io.github.tuneqdm.report.ReportData.Setting;
import io.github.tuneqdm.report.ReportData.StepLoss;
import io.github.tuneqdm.report.ReportData.SubjectReport;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HtmlReportTest {
  private static final String HOSTILE = "<script>alert('x')</script>\"&\u202e\u0007";

  @TempDir Path folder;

  @Test
  void showsEverySubjectsPhotosBesideItsScoredSamples() {
    ReportData data = DemoReport.withBaselines();
    String page = page(data);
    keepForLooking(data, "report-demo.html");
    // 4 subjects with 5 photos and 25 prompts x 3 methods
    assertThat(page.split("<img loading=\"lazy\"", -1)).hasSize(4 * (5 + 75) + 1);
    assertThat(page)
        .contains("21 November 2026, 14:03 UTC")
        .contains("alt=\"Photo 5 of mug1\"")
        .contains("alt=\"TuneQDM, seed 1002: a photo of a sks mug on green grass\"")
        .contains("<svg class=\"loss\" role=\"img\"")
        .contains("sample with identifier, score CLIP-T without")
        .contains("3f".repeat(32));
    assertThat(page.split("<figure>", -1)).hasSize(4 * 75 + 1);
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
    keepForLooking(data, "report-failure.html");
    assertThat(page(data))
        .contains("<a class=\"failed\" href=\"#failures\">1 failed</a>")
        .contains("<dt>bottle1</dt><dd>Cannot read subjects/bottle1/03.jpg: 50000 x 50000");
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
    assertThat(page).doesNotContain("http:", "https:", "@import", "url(");
    Matcher source = Pattern.compile("(src|href)=\"([^\"]{0,20})").matcher(page);
    while (source.find()) {
      assertThat(source.group(2)).matches("data:image/.*|#.*");
    }
  }

  @Test
  void escapesWhateverComesFromOutside() {
    ReportData demo = DemoReport.tunedOnlyWithAFailure();
    ScoreRow row = new ScoreRow(HOSTILE, HOSTILE, 0, HOSTILE, 7, HOSTILE, 0.1, 0.2, 0.3);
    Picture picture =
        new Picture(HOSTILE, () -> new byte[] {(byte) 0xff, (byte) 0xd8, (byte) 0xff});
    Picture noPicture = new Picture(HOSTILE, () -> HOSTILE.getBytes(StandardCharsets.UTF_8));
    ReportData hostile =
        new ReportData(
            HOSTILE,
            demo.date(),
            List.of(new Setting(HOSTILE, HOSTILE)),
            ScoreTable.summarise(List.of(row)),
            List.of(
                new SubjectReport(
                    HOSTILE,
                    HOSTILE,
                    List.of(picture, noPicture),
                    List.of(new LeftOut(HOSTILE, HOSTILE)),
                    List.of(new Sample(row, picture)),
                    List.of())),
            List.of(new FailedSubject(HOSTILE, HOSTILE)),
            demo.protocol());
    String page = page(hostile);
    assertThat(page)
        .contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;\uFFFD\uFFFD")
        .doesNotContain("<script>alert", "alert('x')", "\u202e", "\u0007");
    assertThat(page.split("<script", -1)).hasSize(2);
    assertThat(page).contains("cannot be shown");
  }

  @Test
  void allowsOnlyItsOwnStyleAndScript() {
    String page = page(DemoReport.tunedOnlyWithAFailure());
    assertThat(page)
        .containsPattern(
            "default-src 'none'; img-src data:;.* style-src 'sha256-.*'; script-src 'sha256-")
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
            List.of(
                new SubjectReport(
                    "mug1",
                    "mug",
                    List.of(),
                    List.of(),
                    List.of(),
                    List.of(new StepLoss(1, Double.NaN)))),
            List.of(),
            demo.protocol());
    assertThat(page(empty))
        .contains("No images were scored.", "No samples.")
        .doesNotContain("<svg", "Training loss");
  }

  @Test
  void thinsLongTrainingsOut() {
    List<StepLoss> losses =
        IntStream.range(0, 100_000).mapToObj(i -> new StepLoss(i, 0.5)).toList();
    StringWriter out = new StringWriter();
    LossCurve.of(losses).orElseThrow().write(new Html(out));
    assertThat(out.toString()).hasSizeLessThan(8000).contains("step 0 to 99999");
  }

  @Test
  void appearsWholeOrNotAtAll() throws IOException {
    ReportData demo = DemoReport.tunedOnlyWithAFailure();
    Path file = folder.resolve("report/index.html");
    HtmlReport.write(demo, file);
    assertThat(file).hasContent(page(demo));

    Picture lost =
        new Picture(
            "images/mug1/0-7.png",
            () -> {
              throw new IOException("disk gone");
            });
    ReportData broken =
        new ReportData(
            "broken",
            demo.date(),
            List.of(),
            demo.scores(),
            List.of(
                new SubjectReport("mug1", "mug", List.of(lost), List.of(), List.of(), List.of())),
            List.of(),
            demo.protocol());
    Path absent = folder.resolve("report/broken.html");
    assertThatThrownBy(() -> HtmlReport.write(broken, absent))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("Cannot put images/mug1/0-7.png into the report")
        .hasMessageContaining("disk gone");
    assertThat(absent).doesNotExist();
    assertThat(folder.resolve("report")).isDirectoryContaining(p -> p.equals(file));
    assertThat(Files.list(folder.resolve("report"))).hasSize(1);
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

  @Test
  void knowsPicturesByTheirFirstBytes() throws IOException {
    byte[] png = Files.readAllBytes(Path.of("src/demo/toyworld/subjects/mug1/0.png"));
    byte[] jpeg = Files.readAllBytes(Path.of("src/test/goldens/photo/nonsquare.jpg"));
    assertThat(Pictures.mediaType(png)).isEqualTo("image/png");
    assertThat(Pictures.mediaType(jpeg)).isEqualTo("image/jpeg");
    assertThat(Pictures.mediaType("<svg onload=x>".getBytes(StandardCharsets.UTF_8))).isNull();
    assertThat(Pictures.mediaType(new byte[0])).isNull();
  }

  @Test
  void ordersMethodsWithinAPromptAsTheTablesDo() {
    String page = page(DemoReport.withBaselines());
    int prompt = page.indexOf("<section class=\"prompt\">");
    int untuned = page.indexOf("></i>" + Methods.UNTUNED, prompt);
    int quantised = page.indexOf("></i>" + Methods.QUANTISED_UNTUNED, prompt);
    int tuned = page.indexOf("></i>" + Methods.TUNED, prompt);
    assertThat(List.of(untuned, quantised, tuned)).isSorted().doesNotContain(-1);
  }

  private static String page(ReportData data) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    HtmlReport.write(data, out);
    return out.toString(StandardCharsets.UTF_8);
  }

  /** In target/, for a person with a browser. */
  private static void keepForLooking(ReportData data, String name) {
    HtmlReport.write(data, Path.of("target", name));
  }
}
