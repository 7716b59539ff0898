package io.github.tuneqdm.report;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.report.ReportData.FailedSubject;
import io.github.tuneqdm.report.ReportData.Setting;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.Locale;
import java.util.UUID;

/**
 * Writes a run's report as one HTML page: no other file, no network, light and dark, readable on a
 * phone and without JavaScript. The same data gives the same bytes.
 */
public final class HtmlReport {
  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("d MMMM uuuu, HH:mm 'UTC'", Locale.ENGLISH)
          .withZone(ZoneOffset.UTC);

  private final ReportData data;
  private final Html html;

  private HtmlReport(ReportData data, Html html) {
    this.data = data;
    this.html = html;
  }

  /**
   * Writes the page in UTF-8, picture by picture, and leaves the stream open.
   *
   * @throws TuneQdmException where a picture cannot be read (inputData) or the page not be written
   *     (environment)
   */
  public static void write(ReportData data, OutputStream out) {
    try {
      BufferedWriter writer =
          new BufferedWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8));
      new HtmlReport(data, new Html(writer)).page();
      writer.flush();
    } catch (IOException e) {
      throw cannotWrite(data, e);
    } catch (UncheckedIOException e) {
      throw cannotWrite(data, e.getCause());
    }
  }

  /** Writes the page to a local file, which appears only when it is whole. */
  public static void write(ReportData data, Path file) {
    try {
      Path folder = Files.createDirectories(file.toAbsolutePath().getParent());
      Path draft = folder.resolve("." + file.getFileName() + "." + UUID.randomUUID());
      try {
        try (OutputStream out = Files.newOutputStream(draft, StandardOpenOption.CREATE_NEW)) {
          write(data, out);
        }
        Files.move(draft, file, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(draft);
      }
    } catch (IOException e) {
      throw cannotWrite(data, e);
    }
  }

  private void page() {
    String style = resource("report.css");
    String script = resource("report.js");
    head(style, script);
    header();
    html.raw("<main>\n");
    failures();
    new SummarySection(data).write(html);
    subjects();
    settings();
    new ProtocolSection(data.protocol()).write(html);
    html.raw("</main>\n<footer>Made by TuneQDM-Spark.</footer>\n");
    html.raw("<dialog id=\"zoom\" aria-label=\"Enlarged picture\">");
    html.raw("<button type=\"button\" aria-label=\"Close\">&times;</button>");
    html.raw("<img alt=\"\"><p></p></dialog>\n");
    html.raw("<script>").raw(script).raw("</script>\n</body>\n</html>\n");
  }

  private void head(String style, String script) {
    html.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    // Nothing but this page's own style and script may run, whatever a name or a prompt holds.
    html.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';");
    html.raw(" img-src data:; base-uri 'none'; form-action 'none';");
    html.raw(" style-src '" + hash(style) + "'; script-src '" + hash(script) + "'\">\n");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.raw("<meta name=\"color-scheme\" content=\"light dark\">\n");
    html.raw("<title>TuneQDM-Spark run ").text(data.runId()).raw("</title>\n");
    html.raw("<style>").raw(style).raw("</style>\n</head>\n<body>\n");
  }

  private void header() {
    html.raw("<a class=\"skip\" href=\"#summary\">Skip to the summary</a>\n");
    html.raw("<header><div class=\"wide\"><p class=\"product\">TuneQDM-Spark</p>\n");
    html.raw("<h1>Run <code>").text(data.runId()).raw("</code></h1>\n<p>");
    html.raw("<time datetime=\"").text(data.date().toString()).raw("\">");
    html.text(date(data.date())).raw("</time>");
    fact(data.scores().subjects().size(), "subject");
    fact(data.scores().methodMeans().stream().mapToInt(mean -> mean.images()).sum(), "image");
    if (!data.failures().isEmpty()) {
      html.raw(" <a class=\"failed\" href=\"#failures\">").text(data.failures().size());
      html.raw(" failed</a>");
    }
    html.raw("</p>\n<nav aria-label=\"Contents\"><a href=\"#summary\">Summary</a>");
    html.raw("<a href=\"#subjects\">Subjects</a><a href=\"#settings\">Settings</a>");
    html.raw("<a href=\"#protocol\">Protocol</a></nav></div></header>\n");
  }

  private void fact(int count, String noun) {
    html.raw(" <span>").text(count).raw(" " + noun + (count == 1 ? "" : "s")).raw("</span>");
  }

  private void failures() {
    if (data.failures().isEmpty()) {
      return;
    }
    html.raw("<section id=\"failures\"><h2>Failed subjects</h2>\n<dl>\n");
    for (FailedSubject failure : data.failures()) {
      ProtocolSection.fact(html, failure.name(), failure.cause());
    }
    html.raw("</dl></section>\n");
  }

  private void subjects() {
    html.raw("<section id=\"subjects\"><h2>Subjects</h2>\n");
    for (int i = 0; i < data.subjects().size(); i++) {
      new SubjectSection(data.subjects().get(i), i, data.scores()).write(html);
    }
    html.raw("</section>\n");
  }

  private void settings() {
    html.raw("<section id=\"settings\"><h2>Settings</h2>\n<dl class=\"facts\">\n");
    for (Setting setting : data.settings()) {
      ProtocolSection.fact(html, setting.name(), setting.value());
    }
    html.raw("</dl></section>\n");
  }

  private static String date(Instant instant) {
    return DATE.format(instant);
  }

  static String resource(String name) {
    try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException(name + " is missing from the jar");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("\r\n", "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return "sha256-" + Base64.getEncoder().encodeToString(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static TuneQdmException cannotWrite(ReportData data, IOException cause) {
    return TuneQdmException.environment(
        Html.format("Cannot write the report of run %s: %s", data.runId(), cause), cause);
  }
}
