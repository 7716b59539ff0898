package io.github.tuneqdm.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The report in a real browser. Screenshots stay in {@code target/report}, for a person to look at.
 */
class BrowserTest {
  private static final Path SCREENSHOTS = Path.of("target/report");
  private static final String NO_OVERFLOW =
      "document.documentElement.scrollWidth - document.documentElement.clientWidth";

  /** Contrast of a text to what is behind it, as WCAG 2 counts; the least on the page. */
  private static final String LEAST_CONTRAST =
      """
      (() => {
        const numbers = c => c.match(/[\\d.]+/g).map(Number);
        const rgb = c => c.startsWith('color(srgb') ? numbers(c).map((v, i) => i < 3 ? v * 255 : v) : numbers(c);
        const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
          .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
          .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
        const behind = e => {
          const c = rgb(getComputedStyle(e).backgroundColor);
          if (c.length < 4 || c[3] === 1) return c;
          const under = e.parentElement ? behind(e.parentElement) : [255, 255, 255];
          return c.slice(0, 3).map((v, i) => v * c[3] + under[i] * (1 - c[3]));
        };
        let least = [99, ''];
        for (const e of document.querySelectorAll('body *')) {
          if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) continue;
          if (e.closest('svg, script, style, .skip, .unseen')) continue;
          const a = light(rgb(getComputedStyle(e).color)), b = light(behind(e));
          const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
          if (contrast < least[0]) least = [contrast, e.outerHTML.slice(0, 120)];
        }
        return least;
      })()
      """;

  @TempDir static Path folder;

  private static Chromium browser;

  @BeforeAll
  static void start() throws IOException, InterruptedException {
    Optional<Path> program = Chromium.program();
    if (program.isEmpty()) {
      System.out.println("No report is opened: there is no Chromium in /usr/bin");
    }
    assumeTrue(program.isPresent(), "no Chromium in /usr/bin");
    browser = Chromium.start(program.get());
  }

  @AfterAll
  static void stop() throws IOException {
    if (browser != null) {
      browser.close();
    }
  }

  @Test
  void thirtySubjectsOpenAtOnceAndLoadOnlyWhatIsNear() throws Exception {
    Path page = DemoReport.write(DemoReport.full(), folder.resolve("full"));
    assertThat(Files.size(page)).isLessThan(5_000_000);
    browser.prefers("light");
    browser.window(1280, 900);

    browser.open(page);

    double opened = number("performance.getEntriesByType('navigation')[0].loadEventEnd");
    System.out.printf(
        "The report of 30 x 25 x 4 pictures: %.2f MB, open after %.0f ms%n",
        Files.size(page) / 1e6, opened);
    assertThat(number("document.querySelectorAll('.matrix img').length")).isEqualTo(3000);
    assertThat(number("document.querySelectorAll('img:not(#zoom img):not([loading=lazy])').length"))
        .isZero();
    assertThat(number("performance.getEntriesByType('resource').length")).isLessThan(400);
    browser.value("document.querySelector('#subject-29 h3').scrollIntoView({behavior: 'instant'})");
    waitFor("document.querySelector('#subject-29 .matrix img').naturalWidth === 64");
    assertThat(number("document.querySelector('#subject-15 .matrix img').naturalWidth")).isZero();
    assertThat(browser.complaints()).isEmpty();
  }

  @Test
  void plotsAreDrawnAndTablesSortedAndSearchedByKeyboard() throws Exception {
    open("baselines", DemoReport.withBaselines(), 1280, "light");
    waitFor("document.querySelectorAll('.tradeoff.drawn canvas').length === 2");
    browser.screenshot(SCREENSHOTS.resolve("light.png"));

    assertThat(text("#subjects-table tbody tr th")).isEqualTo("ball1");
    browser.value("document.querySelector('#subjects-table th button').focus()");
    browser.press("Enter", 13);
    assertThat(text("#subjects-table th[aria-sort=ascending]")).isEqualTo("Subject");
    browser.press("Enter", 13);
    assertThat(text("#subjects-table tbody tr th")).isEqualTo("mug1");
    assertThat(text("#subjects-table th[aria-sort=descending]")).isEqualTo("Subject");

    browser.value(
        "{ const f = document.getElementById('find'); f.value = 'CUBE';"
            + " f.dispatchEvent(new Event('input')); }");
    assertThat(number("[...document.querySelectorAll('article')].filter(a => !a.hidden).length"))
        .isEqualTo(1);
    assertThat(text("#found")).isEqualTo("1 found");

    browser.value("document.querySelector('article:not([hidden]) .matrix .p').focus()");
    browser.press("Enter", 13);
    assertThat(browser.value("document.getElementById('zoom').open").asBoolean()).isTrue();
    assertThat(text("#zoom p"))
        .contains("sks cube")
        .contains("un-tuned, seed 1000")
        .contains("DINO");
    browser.press("Escape", 27);
    assertThat(browser.value("document.activeElement.className").asText()).isEqualTo("p");
    assertThat(browser.complaints()).isEmpty();
  }

  @Test
  void everyTextCanBeReadInLightAndDark() throws Exception {
    for (String scheme : new String[] {"light", "dark"}) {
      open("failure", DemoReport.tunedOnlyWithAFailure(), 1280, scheme);
      waitFor("document.querySelectorAll('.loss.drawn').length > 0");
      browser.screenshot(SCREENSHOTS.resolve("failure-" + scheme + ".png"));
      assertThat(browser.value(LEAST_CONTRAST).get(0).asDouble())
          .as(browser.value(LEAST_CONTRAST).toString())
          .isGreaterThanOrEqualTo(4.5);
    }
    String dark = browser.value("getComputedStyle(document.body).backgroundColor").asText();
    browser.value("document.getElementById('theme').click()");
    assertThat(browser.value("getComputedStyle(document.body).backgroundColor").asText())
        .isNotEqualTo(dark);
    browser.value("localStorage.clear()");
    assertThat(browser.complaints()).isEmpty();
  }

  @Test
  void headingsComeInOrderAndPicturesAndControlsHaveNames() throws Exception {
    open("baselines", DemoReport.withBaselines(), 1280, "light");
    assertThat(
            browser
                .value(
                    "[...document.querySelectorAll('h1,h2,h3,h4,h5')].map(h => +h.tagName[1])"
                        + ".every((level, i, all) => i ? level <= all[i - 1] + 1 : level === 1)")
                .asBoolean())
        .isTrue();
    assertThat(
            number("document.querySelectorAll('main img:not([alt]), main img[alt=\"\"]').length"))
        .isZero();
    assertThat(
            number(
                "[...document.querySelectorAll('input, button')].filter(c => !(c.textContent.trim()"
                    + " || c.ariaLabel || c.labels?.length)).length"))
        .isZero();
    browser.value("document.activeElement.blur(); scrollTo({top: 0, behavior: 'instant'})");
    browser.press("Tab", 9);
    assertThat(browser.value("document.activeElement.className").asText()).isEqualTo("skip");
    assertThat(browser.value("getComputedStyle(document.activeElement).outlineStyle").asText())
        .isEqualTo("solid");
  }

  @Test
  void aPhoneNeverScrollsSideways() throws Exception {
    open("phone-failure", DemoReport.tunedOnlyWithAFailure(), 390, "light");
    browser.screenshot(SCREENSHOTS.resolve("phone-failure.png"));
    assertThat(number(NO_OVERFLOW)).isZero();
    open("phone", DemoReport.withBaselines(), 390, "dark");
    browser.screenshot(SCREENSHOTS.resolve("phone.png"));
    assertThat(number(NO_OVERFLOW)).isZero();
    browser.value("document.getElementById('subject-1').scrollIntoView({behavior: 'instant'})");
    waitFor("document.querySelectorAll('#subject-1 .loss.drawn canvas').length === 1");
    browser.screenshot(SCREENSHOTS.resolve("phone-subject.png"));
    assertThat(number(NO_OVERFLOW)).isZero();
    assertThat(browser.complaints()).isEmpty();
  }

  @Test
  void aPageOfARunThatGoesOnLoadsItselfAgainWhereItWas() throws Exception {
    Path page = open("live", DemoReport.live(Instant.now()), 1280, "dark");
    waitFor("document.querySelectorAll('#progress .loss.drawn').length === 4");
    browser.screenshot(SCREENSHOTS.resolve("live.png"));
    assertThat(text("#progress h2")).isEqualTo("Training");
    assertThat(browser.value("document.getElementById('silent').hidden").asBoolean()).isTrue();

    // A page that reloads after a second.
    Files.writeString(page, Files.readString(page).replace("data-live=\"15\"", "data-live=\"1\""));
    browser.window(1280, 300);
    browser.open(page);
    browser.value("scrollTo({top: 120, behavior: 'instant'}); window.old = true");
    waitFor("window.old === undefined && document.readyState === 'complete'");
    assertThat(number("scrollY")).isEqualTo(120);

    open("silent", DemoReport.live(Instant.now().minusSeconds(600)), 1280, "light");
    assertThat(browser.value("document.getElementById('silent').hidden").asBoolean()).isFalse();
    assertThat(browser.complaints()).isEmpty();
  }

  @Test
  void aStudysPlotsAreDrawnAndItsTablesSorted() throws Exception {
    Path page = Files.write(folder.resolve("study.html"), DemoStudy.page());
    browser.prefers("light");
    browser.window(1280, 1400);
    browser.open(page);
    waitFor("document.querySelectorAll('.tradeoff.drawn canvas').length === 2");
    browser.screenshot(SCREENSHOTS.resolve("study.png"));
    assertThat(browser.value(LEAST_CONTRAST).get(0).asDouble()).isGreaterThanOrEqualTo(4.5);

    // By stored bytes, which have separators.
    browser.value("document.querySelector('#cost th:nth-child(4) button').click()");
    assertThat(text("#cost tbody tr th")).isEqualTo("full DreamBooth");
    browser.value("document.querySelector('#scores th:nth-child(4) button').click()");
    assertThat(text("#scores tbody tr th")).isEqualTo("TuneQDM, bits 4");
    assertThat(text("#failures dd")).isEqualTo("the loss was not a number");

    browser.prefers("dark");
    browser.window(390, 844);
    browser.open(page);
    browser.screenshot(SCREENSHOTS.resolve("study-phone.png"));
    assertThat(number(NO_OVERFLOW)).isZero();
    assertThat(browser.complaints()).isEmpty();
  }

  private static Path open(String name, ReportData data, int width, String scheme)
      throws Exception {
    Path page = DemoReport.write(data, folder.resolve(name));
    browser.prefers(scheme);
    browser.window(width, width < 500 ? 844 : 1400);
    browser.open(page);
    return page;
  }

  private static void waitFor(String condition) throws InterruptedException {
    for (int i = 0; i < 100; i++) {
      if (browser.value(condition).asBoolean()) {
        return;
      }
      Thread.sleep(50);
    }
    throw new AssertionError("never: " + condition);
  }

  private static double number(String expression) throws InterruptedException {
    return browser.value(expression).asDouble();
  }

  private static String text(String selector) throws InterruptedException {
    return browser.value("document.querySelector('" + selector + "').textContent").asText();
  }
}
